package demo

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// basket is what goes into an order, at today's prices.
type basket struct {
	skus       []string
	quantities []int32
	prices     []string
}

// fillBasket takes up to n different products, popular ones more often.
func (w *Worker) fillBasket(ctx context.Context, n int) (basket, error) {
	var b basket
	places := make([]float64, n)
	for i := range places {
		f := w.random.Float64()
		places[i] = f * f
	}
	conn, err := w.conn(ctx, Catalog)
	if err != nil {
		return b, err
	}
	result, err := conn.Query(ctx, `
		select distinct p.sku, p.price::text from unnest($1::float8[]) place cross join lateral
			(select sku, price from products where active and id > (select max(id) from products) * place order by id limit 1) p
		order by p.sku`, places)
	if err != nil {
		return b, fmt.Errorf("%s: %w", Catalog, err)
	}
	var sku, price string
	_, err = pgx.ForEachRow(result, []any{&sku, &price}, func() error {
		b.skus = append(b.skus, sku)
		b.prices = append(b.prices, price)
		b.quantities = append(b.quantities, int32(1+skewed(w.random, 6, 3)))
		return nil
	})
	if err != nil {
		return b, fmt.Errorf("%s: %w", Catalog, err)
	}
	if len(b.skus) == 0 {
		return b, errNothing
	}
	return b, nil
}

// aProduct is a condition for one product by the chance $1.
const aProduct = " where id = (select id from products where id > (select max(id) from products) * $1::float8 order by id limit 1)"

func changePrice(ctx context.Context, w *Worker) error {
	return w.update(ctx, Catalog, "update products set price = greatest(1, round(price * $2::text::numeric, 2)), updated_at = now()"+aProduct,
		w.random.Float64(), amount(int64(90+w.random.IntN(22))))
}

// editProduct changes something that is not the name.
func editProduct(ctx context.Context, w *Worker) error {
	edit := pick(w.random, []string{
		"active = not active",
		"active = true",
		"labels = case when labels @> '{sale}' then array_remove(labels, 'sale') else coalesce(labels, '{}') || '{sale}' end",
		`attributes = attributes || jsonb_build_object('colour', ('{black,white,sand,moss}'::text[])[1 + id % 4], 'edited', true)`,
		"cost = case when cost is null then price * 0.55 end",
		"weight_kg = weight_kg * 1.01",
	})
	return w.update(ctx, Catalog, "update products set updated_at = now(), "+edit+aProduct, w.random.Float64())
}

// renameProduct is what the items of many orders show.
func renameProduct(ctx context.Context, w *Worker) error {
	return w.update(ctx, Catalog, "update products set name = regexp_replace(name, ' \\(.*\\)$', '') || ' (' || $2 || ')', updated_at = now()"+aProduct,
		w.random.Float64(), pick(w.random, colours))
}

func renameCategory(ctx context.Context, w *Worker) error {
	return w.update(ctx, Catalog, `
		update categories set name = case when name like '% & more' then left(name, -7) else name || ' & more' end
		where id = (select id from categories order by id offset $1 limit 1)`, w.random.IntN(16))
}
