-- The shop's part of the backlog. Each statement is a transaction of one row.
-- A heading says how many of a hundred transactions it is, and what it stands
-- for. Statements may use
--
--   n         a number that no other transaction of this database has
--   customer  a customer's id; some buy more than others
--   an_order  the id of any seeded order
--   recent    the id of one of the newest orders, in which most happens
--   product   a product's id; some sell better than others
--   latest    the order that this backlog placed last
--   moment    a time within the last thirty days of the seed's history

-- 12 new order
insert into orders (number, customer_id, status, channel, total, shipping_fee, placed_at, updated_at)
values ('B-' || n, customer, 'placed', (array['web', 'app', 'phone'])[1 + n % 3], (500 + n % 20000) / 100.0, (n % 3) * 3.95, moment, moment)
returning id into latest;

-- 30 new item
insert into order_items (order_id, line_no, sku, quantity, unit_price, gift_wrap)
select latest, 1000 + n, i.sku, 1 + n % 4, i.unit_price, n % 23 = 0
from order_items i where i.order_id = an_order and i.line_no = 1;

-- 16 payment, or the next step of an order
update orders set updated_at = moment,
  status = (case status when 'placed' then 'paid' when 'paid' then 'shipped' when 'shipped' then 'delivered' else 'placed' end)::order_status,
  paid_at = case status when 'placed' then moment else paid_at end
where id = recent;

-- 6 corrected total
update orders set total = total + 0.05, updated_at = moment where id = an_order;

-- 6 changed quantity
update order_items set quantity = quantity % 6 + 1 where order_id = an_order and line_no = 1;
