-- One batch of entries, in one statement: %(entries)s is a JSON array of them. No row is ever replaced by
-- an older version, and none comes back that was deleted by a newer one, however often or late this runs.
WITH incoming AS MATERIALIZED (
    SELECT *
    FROM jsonb_to_recordset(%(entries)s::jsonb) AS entry (
        id varchar(36), name varchar(255), price numeric(10, 2), quantity integer,
        created_at timestamptz, updated_at timestamptz, version bigint, deleted boolean)
    -- Every batch locks its rows in the same order, so that two batches cannot deadlock.
    ORDER BY id
), buried AS (
    INSERT INTO product_tombstones AS tomb (id, version, deleted_at)
    SELECT id, version, updated_at FROM incoming WHERE deleted
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, deleted_at = excluded.deleted_at
    WHERE tomb.version < excluded.version
), removed AS (
    DELETE FROM products USING incoming
    WHERE incoming.deleted AND products.id = incoming.id AND products.version < incoming.version
    RETURNING products.id
), upserted AS (
    INSERT INTO products AS held (id, name, price, quantity, created_at, updated_at, version)
    SELECT id, name, price, quantity, created_at, updated_at, version
    FROM incoming
    WHERE deleted IS NOT TRUE
      AND NOT EXISTS (SELECT FROM product_tombstones AS tomb
                      WHERE tomb.id = incoming.id AND tomb.version >= incoming.version)
    ON CONFLICT (id) DO UPDATE
        SET name = excluded.name, price = excluded.price, quantity = excluded.quantity,
            updated_at = excluded.updated_at, version = excluded.version
        WHERE held.version < excluded.version
    RETURNING held.id
)
SELECT (SELECT count(*) FROM removed) + (SELECT count(*) FROM upserted) AS rows_written
