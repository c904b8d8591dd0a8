-- The lab's database. Safe to run again: it adds what is missing and changes nothing that is there.

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

-- What a delete leaves: without it, an older write that arrives late would bring the product back.
CREATE TABLE IF NOT EXISTS product_tombstones (
    id         varchar(36) PRIMARY KEY,
    version    bigint      NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT now()
);

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
