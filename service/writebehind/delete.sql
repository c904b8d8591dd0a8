-- The deletes of one batch, where it has any: the rows go, and each leaves a tombstone, without which an
-- older write that arrives late would bring its product back. %(entries)s as in upsert.sql.
WITH gone AS MATERIALIZED (
    SELECT id, version, updated_at
    FROM jsonb_to_recordset(%(entries)s::jsonb) AS entry (
        id varchar(36), updated_at timestamptz, version bigint, deleted boolean)
    WHERE deleted
    ORDER BY id
), buried AS (
    INSERT INTO product_tombstones AS tomb (id, version, deleted_at)
    SELECT id, version, updated_at FROM gone
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, deleted_at = excluded.deleted_at
    WHERE tomb.version < excluded.version
)
DELETE FROM products USING gone
WHERE products.id = gone.id AND products.version < gone.version
