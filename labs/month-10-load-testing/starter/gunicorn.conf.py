"""How gunicorn serves the shop. It reads this file when it starts."""

workers = 1
threads = 2
