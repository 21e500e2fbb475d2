-- Shipping's part of the backlog; shop.sql says what a statement may use.

-- 8 new shipment
insert into shipments (id, order_id, carrier, tracking_code, status, parcels, cost, created_at)
values (gen_random_uuid(), recent, (array['dhl', 'ups', 'dpd'])[1 + n % 3], 'B' || n, 'created', 1 + n % 2, 4.90, moment);

-- 10 step of a shipment
update shipments set shipped_at = coalesce(shipped_at, moment),
  status = (case status when 'created' then 'in_transit' when 'in_transit' then 'delivered' else 'in_transit' end)::shipment_status
where id = (select s.id from shipments s where s.order_id = an_order limit 1);
