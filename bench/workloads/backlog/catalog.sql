-- The catalog's part of the backlog; shop.sql says what a statement may use.

-- 4 changed price
update products set price = price + 0.01, updated_at = moment where id = product;
