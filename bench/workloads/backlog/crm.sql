-- The crm's part of the backlog; shop.sql says what a statement may use.

-- 3 new customer
insert into customers (email, first_name, last_name, country, created_at, updated_at)
values ('backlog-' || n || '@example.com', 'Ada', 'Number ' || n, (array['DE', 'FR', 'US'])[1 + n % 3], moment, moment);

-- 5 changed phone number
update customers set phone = '+49 30 ' || n, updated_at = moment where id = customer;
