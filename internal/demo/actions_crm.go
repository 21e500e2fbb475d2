package demo

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// aCustomer selects one whose account is open, by the chance $1; big numbers,
// the newer ones, are no likelier than small ones.
const aCustomer = `select id from customers where deleted_at is null
	and id >= (select min(id) + ((max(id) - min(id)) * $1::float8)::bigint from customers) order by id limit 1`

// lockCustomer holds a customer, so that it is not deleted meanwhile.
func lockCustomer(ctx context.Context, w *Worker, crm pgx.Tx) (int64, error) {
	return value[int64](ctx, crm, aCustomer+" for key share skip locked", w.random.Float64())
}

func register(ctx context.Context, w *Worker) error {
	p := newPerson(w.random)
	a := newAddress(w.random, p, true)
	return w.transaction(ctx, CRM, func(crm pgx.Tx) error {
		id, err := value[int64](ctx, crm, "select nextval(pg_get_serial_sequence('customers', 'id'))")
		if err != nil {
			return err
		}
		err = change(ctx, crm, `
			insert into customers (id, email, first_name, last_name, company, segment, country, newsletter)
			values ($1, $2, $3, $4, $5, $6::text::customer_segment, $7, $8)`,
			id, p.email(id), p.first, nullable(p.last), nullable(p.company), p.segment(w.random), p.home.country, chance(w.random, 3))
		if err != nil {
			return err
		}
		return change(ctx, crm, `
			insert into addresses (id, customer_id, kind, is_default, street, postal_code, city, country, latitude, longitude)
			values ($1, $2, 'billing', true, $3, $4, $5, $6, $7, $8)`,
			a.id, id, a.street, a.postal, a.place.name, a.place.country, a.place.latitude, a.place.longitude)
	})
}

func renameCustomer(ctx context.Context, w *Worker) error {
	return w.update(ctx, CRM, "update customers set last_name = $2, updated_at = now() where id = ("+aCustomer+")",
		w.random.Float64(), pick(w.random, lastNames))
}

// editCustomer changes something that is not the name.
func editCustomer(ctx context.Context, w *Worker) error {
	edit := pick(w.random, []string{
		"newsletter = not newsletter",
		"tags = case when cardinality(tags) > 2 then '{}' else tags || '{press}' end",
		`preferences = coalesce(preferences, '{}') || jsonb_build_object('emails_per_week', id % 8)`,
		"country = case when country is null then 'DE' when id % 5 = 0 then null else country end",
		"credit_limit = coalesce(credit_limit * 1.1, 500)",
		"segment = case segment when 'business' then 'reseller'::customer_segment else 'business' end",
		"email = regexp_replace(email, '^([^@]*?)(\\+\\d+)?@', '\\1+' || (id % 97) || '@')",
	})
	return w.update(ctx, CRM, "update customers set updated_at = now(), "+edit+" where id = ("+aCustomer+")", w.random.Float64())
}

func moveHouse(ctx context.Context, w *Worker) error {
	p := newPerson(w.random)
	a := newAddress(w.random, p, true)
	return w.update(ctx, CRM, `
		update addresses set street = $2, postal_code = $3, city = $4, country = $5, latitude = $6, longitude = $7, updated_at = now()
		where customer_id = (`+aCustomer+`) and is_default`,
		w.random.Float64(), a.street, a.postal, a.place.name, a.place.country, a.place.latitude, a.place.longitude)
}

func closeAccount(ctx context.Context, w *Worker) error {
	return w.update(ctx, CRM, "update customers set deleted_at = now(), updated_at = now() where id > $2 and id = ("+aCustomer+")", w.random.Float64(), sampleCustomer)
}

// aClosedAccount is one of the first.
const aClosedAccount = "select id from customers where deleted_at is not null order by id offset $1 limit 1 for update skip locked"

func reopenAccount(ctx context.Context, w *Worker) error {
	return w.update(ctx, CRM, "update customers set deleted_at = null, updated_at = now() where id = ("+aClosedAccount+")", w.random.IntN(20))
}

// deleteCustomer removes all traces of a closed account: shipments, then orders,
// then the customer, so that wherever it breaks off none refers to nothing.
// The customer is locked first, as in every action.
func deleteCustomer(ctx context.Context, w *Worker) error {
	return w.transaction(ctx, CRM, func(crm pgx.Tx) error {
		customer, err := value[int64](ctx, crm, aClosedAccount, w.random.IntN(20))
		if err != nil {
			return err
		}
		if err := w.deleteOrdersOf(ctx, customer); err != nil {
			return err
		}
		return change(ctx, crm, "delete from customers where id = $1", customer)
	})
}

func (w *Worker) deleteOrdersOf(ctx context.Context, customer int64) error {
	return w.transaction(ctx, Shop, func(shop pgx.Tx) error {
		result, err := shop.Query(ctx, "delete from orders where customer_id = $1 returning id", customer)
		if err != nil {
			return err
		}
		orders, err := pgx.CollectRows(result, pgx.RowTo[int64])
		if err != nil || len(orders) == 0 {
			return err
		}
		return w.deleteShipments(ctx, orders)
	})
}
