from celery import Celery

app = Celery("shop", broker="redis://redis:6379/0", backend="redis://redis:6379/1")


@app.task
def double(number):
    return 2 * number
