def price(amount, rebate=0):
    if rebate:
        return amount - rebate
    return amount
