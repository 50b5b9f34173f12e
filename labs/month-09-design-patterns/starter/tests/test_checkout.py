def test_a_tea_can_be_bought(buy):
    assert buy(("tea", 1)).status_code == 201
