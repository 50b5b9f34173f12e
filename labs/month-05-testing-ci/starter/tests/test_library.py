def test_library():
    assert True
