"""Who is told of an order, and how."""

from django.core.mail import send_mail

from . import wire


def thank(order):
    text = f"Thank you for your order {order['number']}.\n\n"
    for line in order["lines"]:
        text += f"{line['quantity']} x {line['title']}: {euros(line['total'])}\n"
    text += f"Shipping: {euros(order['shipping']['cost'])}\n"
    text += f"Total: {euros(order['total'])}\n"
    send_mail(f"Your order {order['number']}", text, None, [order["email"]])


def regret(order):
    subject = "Your payment did not go through"
    text = f"{subject}: {order['reason']}\nYour basket is still there.\n"
    send_mail(subject, text, None, [order["email"]])


def have_packed(order):
    picks = [{key: line[key] for key in ("sku", "quantity")} for line in order["lines"]]
    body = {
        "order": order["number"],
        "email": order["email"],
        "country": order["country"],
        "method": order["shipping"]["method"],
        "lines": picks,
    }
    tell("/warehouse/picks", body)


def book(order):
    body = {
        "order": order["number"],
        "email": order["email"],
        "total": order["total"],
        "vat": order["vat"],
        "method": order["payment"]["method"],
    }
    tell("/books", body)


def tell(path, body):
    status, _ = wire.post(path, body)
    if status >= 400:
        raise RuntimeError(f"{path} answers with {status}")


def euros(cents):
    return f"{cents / 100:.2f}"
