"""What was in the shop on that Saturday: ten categories of forty products each, thirty
thousand customers, and the five orders that each of them has placed so far."""

from django.db import migrations

ROWS = [
    """
    INSERT INTO store_category (name)
    SELECT 'Category ' || n FROM generate_series(1, 10) AS n
    """,
    """
    INSERT INTO store_tag (name)
    SELECT word FROM unnest(ARRAY[
        'blue', 'cheap', 'fair', 'gift', 'green', 'heavy',
        'light', 'new', 'red', 'soft', 'tall', 'warm'
    ]) AS word
    """,
    """
    INSERT INTO store_product (category_id, name, price, stock)
    SELECT 1 + n % 10, 'Product ' || lpad(n::text, 3, '0'), 5 + n % 90, 100000
    FROM generate_series(1, 400) AS n
    """,
    """
    INSERT INTO store_product_tags (product_id, tag_id)
    SELECT n, 1 + (n + 4 * k) % 12
    FROM generate_series(1, 400) AS n, generate_series(0, 2) AS k
    """,
    """
    INSERT INTO store_review (product_id, stars)
    SELECT n, 1 + (n * k) % 5
    FROM generate_series(1, 400) AS n, generate_series(1, 5) AS k
    """,
    # One in three customers writes the address with big letters.
    """
    INSERT INTO store_order (product_id, email, state)
    SELECT
        1 + (n * 7) % 400,
        CASE WHEN n % 3 = 0 THEN 'Customer' ELSE 'customer' END
            || 1 + n % 30000 || '@shop.example',
        'PAID'
    FROM generate_series(1, 150000) AS n
    """,
    "ANALYZE",
]


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]
    operations = [migrations.RunSQL(ROWS, migrations.RunSQL.noop)]
