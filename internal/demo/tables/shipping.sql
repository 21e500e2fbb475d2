create type shipment_status as enum ('created', 'in_transit', 'delivered', 'returned', 'lost');

create table shipments (
    id              uuid primary key,
    order_id        bigint not null,
    carrier         text not null,
    tracking_code   text unique,
    status          shipment_status not null default 'created',
    parcels         smallint not null default 1,
    weight_kg       real,
    cost            numeric(8,2),
    pickup_time     time,
    delivery_window interval,
    events          jsonb not null default '[]',
    created_at      timestamptz not null default now(),
    shipped_at      timestamptz,
    delivered_at    timestamptz
);
comment on table shipments is 'Parcels on their way; an order may need several.';
comment on column shipments.order_id is 'orders.id of the shop';
comment on column shipments.delivery_window is 'how long the customer waits at home';
create index shipments_order_id_idx on shipments (order_id);
create index shipments_status_idx on shipments (status, created_at);
