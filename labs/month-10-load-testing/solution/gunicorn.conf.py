"""How gunicorn serves the shop. It reads this file when it starts."""

# goal: workers
# Thirty requests a second that wait a quarter of a second each keep eight places busy.
# Twice as many are there for the seconds in which more come.
workers = 2
threads = 8
# without
#- workers = 1
#- threads = 2
# end
