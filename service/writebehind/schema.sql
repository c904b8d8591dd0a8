-- The lab's database. Safe to run again: it adds what is missing and changes nothing that exists.

CREATE TABLE IF NOT EXISTS products (
    id         varchar(36)    PRIMARY KEY,
    name       varchar(255)   NOT NULL,
    price      numeric(10, 2) NOT NULL CHECK (price >= 0),
    quantity   integer        NOT NULL,
    created_at timestamptz    NOT NULL DEFAULT now(),
    updated_at timestamptz    NOT NULL DEFAULT now(),
    version    bigint         NOT NULL DEFAULT 1
);

CREATE INDEX IF NOT EXISTS products_created_at ON products (created_at DESC);

-- The trace of a delete. Without it, an older write that arrives late would bring the product back.
CREATE TABLE IF NOT EXISTS product_tombstones (
    id         varchar(36) PRIMARY KEY,
    version    bigint      NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT now()
);

-- Write one batch of entries, a JSON array, in one statement: all of it is committed or nothing, and a client
-- that dies in the middle leaves no lock behind. However often this runs, no row is replaced by an older version,
-- and no older version brings a deleted row back. Returns the number of rows that changed.
CREATE OR REPLACE FUNCTION write_entries(entries jsonb, has_deletes boolean) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    changed bigint;
    removed bigint := 0;
BEGIN
    -- A batch with a delete excludes all others: an insert of an older version can't see an uncommitted
    -- delete, and would bring the product back. Batches without a delete share the lock.
    -- Each statement takes its snapshot after the lock was granted, not before.
    IF has_deletes THEN
        PERFORM pg_advisory_xact_lock(42000042);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(42000042);
    END IF;

    INSERT INTO products AS held (id, name, price, quantity, created_at, updated_at, version)
    SELECT id, name, price, quantity, created_at, updated_at, version
    FROM jsonb_to_recordset(entries) AS entry (
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
        WHERE held.version < excluded.version;
    GET DIAGNOSTICS changed = ROW_COUNT;

    IF has_deletes THEN
        -- A policy may hide a row from its own delete, which then silently removes nothing, and the row would
        -- be back when the policy ends. So a row that can't be seen counts as refused.
        IF row_security_active('products') AND EXISTS (
            SELECT FROM jsonb_to_recordset(entries) AS entry (id varchar(36), deleted boolean)
            WHERE deleted AND NOT EXISTS (SELECT FROM products WHERE products.id = entry.id)
              AND NOT EXISTS (SELECT FROM product_tombstones AS tomb WHERE tomb.id = entry.id)
        ) THEN
            RAISE insufficient_privilege USING MESSAGE =
                'row-level security of table "products" may hide a row that is to be deleted';
        END IF;
        -- Each deleted row leaves a tombstone.
        WITH gone AS MATERIALIZED (
            SELECT id, version, updated_at
            FROM jsonb_to_recordset(entries) AS entry (
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
        WHERE products.id = gone.id AND products.version < gone.version;
        GET DIAGNOSTICS removed = ROW_COUNT;
    END IF;
    RETURN changed + removed;
END
$$;

-- Find out whether entries could be written, and leave nothing behind: no row, no tombstone.
CREATE OR REPLACE FUNCTION rehearse_entries(entries jsonb, has_deletes boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_entries(entries, has_deletes);
    -- Check now what would be checked at the commit.
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'WB000', MESSAGE = 'rehearsed';
EXCEPTION WHEN SQLSTATE 'WB000' THEN
    NULL;
END
$$;

CREATE OR REPLACE VIEW product_stats AS
SELECT count(*)                          AS total_products,
       coalesce(sum(quantity), 0)::bigint AS total_inventory,
       round(avg(price), 2)              AS avg_price,
       max(updated_at)                   AS last_update
FROM products;

INSERT INTO products (id, name, price, quantity)
SELECT seed.id, seed.name, seed.price, seed.quantity
FROM (VALUES ('seed-001', 'Seed Widget',   19.99, 100),
             ('seed-002', 'Seed Gadget',   29.99,  50),
             ('seed-003', 'Seed Gizmo',     9.99, 200),
             ('seed-004', 'Seed Sprocket', 49.99,  25),
             ('seed-005', 'Seed Flange',   99.99,  10)) AS seed (id, name, price, quantity)
WHERE NOT EXISTS (SELECT FROM product_tombstones AS gone WHERE gone.id = seed.id)
ON CONFLICT (id) DO NOTHING;
