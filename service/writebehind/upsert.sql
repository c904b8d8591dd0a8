-- The live entries of one batch, in one statement: %(entries)s is a JSON array of entries. No row is ever
-- replaced by an older version, and none comes back that a newer one deleted, however often this runs.
INSERT INTO products AS held (id, name, price, quantity, created_at, updated_at, version)
SELECT id, name, price, quantity, created_at, updated_at, version
FROM jsonb_to_recordset(%(entries)s::jsonb) AS entry (
    id varchar(36), name varchar(255), price numeric(10, 2), quantity integer,
    created_at timestamptz, updated_at timestamptz, version bigint, deleted boolean)
WHERE deleted IS NOT TRUE
  AND NOT EXISTS (SELECT FROM product_tombstones AS tomb
                  WHERE tomb.id = entry.id AND tomb.version >= entry.version)
-- Every batch locks its rows in the same order, so that two batches cannot deadlock.
ORDER BY id
ON CONFLICT (id) DO UPDATE
    SET name = excluded.name, price = excluded.price, quantity = excluded.quantity,
        updated_at = excluded.updated_at, version = excluded.version
    WHERE held.version < excluded.version
