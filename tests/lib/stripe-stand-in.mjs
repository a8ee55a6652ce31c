// A payment service for tests: as much of Stripe's API as we use, with state, a
// clock, keys that make a request happen once, and signed events.
//
//	const stripe = await standIn();
//	stripe.url, stripe.key, stripe.secret
//	const sub = stripe.pay(session_id);          // what a customer does
//	stripe.change(sub, { status: 'past_due' });
//	stripe.events, stripe.signed(event)          // { body, header }
//	stripe.done                                  // [method, path] of changes
//	stripe.fault = (call) => 'before' | 'after' | 500 | undefined
//	    | { status, headers, keeps }   // `keeps`: as the answer to the key
//	stripe.late = (call) => 20 | promise   // an answer is on its way so long
//	stripe.shape = (json, call) => json    // what a good answer is made of
//	stripe.handle                          // for a server of another kind
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import Stripe from 'stripe';

const id = (prefix) => `${prefix}_${randomBytes(12).toString('hex')}`;
const DAYS = { day: 1, week: 7, month: 30, year: 365 };

/** "a[b][0][c]=x" as an object; where all names are numbers, an array. */
export function brackets(text) {
	const out = {};
	for (const [name, value] of new URLSearchParams(text)) {
		const path = name.split(/[[\]]+/).filter((s) => s !== '');
		const last = path.pop();
		path.reduce((at, key) => at[key] ??= {}, out)[last] = value;
	}
	return out;
}

class Refusal extends Error {
	constructor(status, message, type = 'invalid_request_error') {
		super(message);
		Object.assign(this, { status, type });
	}
}

class StandIn {
	key = `sk_test_${randomBytes(16).toString('hex')}`;
	secret = `whsec_${randomBytes(16).toString('hex')}`;
	account = { id: id('acct'), object: 'account', country: 'DE',
		default_currency: 'eur', business_profile: { name: 'Letterrack Ltd' } };
	customers = new Map();
	sessions = new Map();
	subscriptions = new Map();
	invoices = new Map();
	prices = new Map();
	keys = new Map();
	events = [];
	done = [];
	asked = [];
	ahead = 0; /* seconds that its clock is ahead */
	fault = () => undefined;
	late = () => 0; /* ms that an answer is on its way, or a promise */
	shape = (json) => json; /* what a good answer is made of */

	now() {
		return Math.floor(Date.now() / 1000) + this.ahead;
	}

	price(plan, interval) {
		const price = { id: id('price'), object: 'price', currency: 'eur',
			unit_amount: 900, recurring: { interval, interval_count: 1 },
			product: plan, active: true };
		this.prices.set(price.id, price);
		return price.id;
	}

	/* ---- what happens there ---- */

	event(type, object) {
		const event = { id: id('evt'), object: 'event', type,
			api_version: '2024-06-20', created: this.now(), livemode: false,
			data: { object: structuredClone(object) } };
		this.events.push(event);
		return event;
	}

	subscribe(customer, price, more = {}) {
		const start = this.now();
		const interval = this.prices.get(price).recurring.interval;
		const sub = { id: id('sub'), object: 'subscription', customer,
			status: 'active', cancel_at_period_end: false, canceled_at: null,
			ended_at: null, created: start, current_period_start: start,
			current_period_end: start + DAYS[interval] * 86400,
			items: { object: 'list', data: [{ id: id('si'), quantity: 1,
				object: 'subscription_item',
				price: this.prices.get(price) }] }, ...more };
		this.subscriptions.set(sub.id, sub);
		this.event('customer.subscription.created', sub);
		this.invoice(sub);
		return sub;
	}

	invoice(sub, status = 'paid') {
		const amount = sub.items.data[0].price.unit_amount;
		const invoice = { id: id('in'), object: 'invoice', status,
			customer: sub.customer, subscription: sub.id, currency: 'eur',
			number: `N-${this.invoices.size + 1}`, created: this.now(),
			amount_due: amount, amount_paid: status === 'paid' ? amount : 0 };
		this.invoices.set(invoice.id, invoice);
		this.event(status === 'paid' ? 'invoice.paid'
			: 'invoice.payment_failed', invoice);
		return invoice;
	}

	invoicesOf(sub) {
		return [...this.invoices.values()]
			.filter((invoice) => invoice.subscription === sub.id);
	}

	/** The customer pays on the checkout's page. */
	pay(session) {
		const s = this.sessions.get(session);
		if (s.status !== 'open')
			throw new Error('the page is over');
		const sub = this.subscribe(s.customer, s.price);
		Object.assign(s, { status: 'complete', subscription: sub.id });
		this.event('checkout.session.completed', this.shown(s));
		return sub;
	}

	change(sub, what) {
		Object.assign(sub, what);
		this.event(sub.status === 'canceled' ? 'customer.subscription.deleted'
			: 'customer.subscription.updated', sub);
		return sub;
	}

	cancel(sub) {
		return this.change(sub, { status: 'canceled',
			canceled_at: this.now(), ended_at: this.now() });
	}

	/** The next period begins, paid for or not. */
	renew(sub, paid = true) {
		const { interval } = sub.items.data[0].price.recurring;
		this.invoice(sub, paid ? 'paid' : 'open');
		return this.change(sub, { status: paid ? 'active' : 'past_due',
			current_period_start: sub.current_period_end,
			current_period_end: sub.current_period_end +
				DAYS[interval] * 86400 });
	}

	signed(event, { secret = this.secret, at = Math.floor(Date.now() / 1000) } =
	{}) {
		const body = JSON.stringify(event, null, 2);
		return { body, header: Stripe.webhooks.generateTestHeaderString({
			payload: body, secret, timestamp: at }) };
	}

	/** Would Stripe's own package take it? */
	verifies(body, header, secret = this.secret) {
		try {
			return Boolean(Stripe.webhooks.constructEvent(body, header, secret));
		} catch {
			return false;
		}
	}

	/* ---- the API ---- */

	shown({ price, ...session }) {
		return session;
	}

	find(map, key) {
		const found = this[map].get(key);
		if (!found)
			throw new Refusal(404, `No such ${map}: '${key}'`);
		return found;
	}

	/** Of a customer, the newest first. */
	page(map, { customer, starting_after: after, limit = 10 }, wanted = () => true) {
		const all = [...this[map].values()].reverse()
			.filter((one) => one.customer === customer && wanted(one));
		const from = after ? all.findIndex((one) => one.id === after) + 1 : 0;
		const most = Math.min(Number(limit), this.pageMost);
		return { object: 'list', url: `/v1/${map}`,
			has_more: all.length > from + most,
			data: all.slice(from, from + most) };
	}

	routes = [
		['GET', /^\/v1\/account$/, () => this.account],
		['POST', /^\/v1\/customers$/, (m, form) => {
			const c = { id: id('cus'), object: 'customer', ...form };
			this.customers.set(c.id, c);
			return c;
		}],
		['POST', /^\/v1\/checkout\/sessions$/, (m, form) => {
			this.find('customers', form.customer);
			const price = form.line_items?.[0]?.price;
			if (!this.prices.has(price) || form.mode !== 'subscription')
				throw new Refusal(400, `No such price: '${price}'`);
			const s = { id: id('cs_test'), object: 'checkout.session',
				mode: form.mode, customer: form.customer, price,
				client_reference_id: form.client_reference_id ?? null,
				status: 'open', subscription: null,
				success_url: form.success_url };
			s.url = `https://checkout.test/c/${s.id}`;
			this.sessions.set(s.id, s);
			return this.shown(s);
		}],
		['POST', /^\/v1\/checkout\/sessions\/(\w+)\/expire$/, ([, key]) => {
			const s = this.find('sessions', key);
			if (s.status !== 'open')
				throw new Refusal(400, 'Only an open session is expired.');
			s.status = 'expired';
			this.event('checkout.session.expired', this.shown(s));
			return this.shown(s);
		}],
		['GET', /^\/v1\/checkout\/sessions\/(\w+)$/, ([, key]) =>
			this.shown(this.find('sessions', key))],
		['POST', /^\/v1\/billing_portal\/sessions$/, (m, form) => {
			this.find('customers', form.customer);
			return { id: id('bps'), object: 'billing_portal.session',
				customer: form.customer, return_url: form.return_url,
				url: 'https://portal.test/p/x' };
		}],
		['GET', /^\/v1\/subscriptions$/, (m, form) =>
			this.page('subscriptions', form, (s) => form.status === 'all' ||
				s.status !== 'canceled')],
		['GET', /^\/v1\/invoices$/, (m, form) =>
			this.page('invoices', form)],
		['GET', /^\/v1\/subscriptions\/(\w+)$/, ([, key]) =>
			this.find('subscriptions', key)],
		['POST', /^\/v1\/subscriptions\/(\w+)$/, ([, key], form) => {
			const sub = this.find('subscriptions', key);
			const item = form.items?.[0];
			if (sub.status === 'canceled')
				throw new Refusal(400, 'A canceled subscription stays so.');
			if (item) {
				if (item.id !== sub.items.data[0].id)
					throw new Refusal(400, `No such item: '${item.id}'`);
				sub.items.data[0].price = this.prices.get(item.price);
				sub.prorated = form.proration_behavior;
				this.invoice(sub);
			}
			if (form.cancel_at_period_end)
				sub.cancel_at_period_end =
					form.cancel_at_period_end === 'true';
			return this.change(sub, {});
		}],
		['DELETE', /^\/v1\/subscriptions\/(\w+)$/, ([, key]) => {
			const sub = this.find('subscriptions', key);
			if (sub.status === 'canceled')
				throw new Refusal(404, `No such subscription: '${key}'`);
			return this.cancel(sub);
		}],
		['GET', /^\/v1\/invoices\/(\w+)$/, ([, key]) =>
			this.find('invoices', key)],
	];
	pageMost = 100;

	act(method, path, form) {
		for (const [verb, pattern, run] of this.routes) {
			const found = verb === method && pattern.exec(path);
			if (!found)
				continue;
			try {
				const json = structuredClone(run(found, form));
				if (method !== 'GET')
					this.done.push([method, path, form]);
				return [200, json];
			} catch (error) {
				if (!(error instanceof Refusal))
					throw error;
				return [error.status, { error: { type: error.type,
					message: error.message } }];
			}
		}
		return [404, { error: { message: `Unrecognized URL: ${path}` } }];
	}

	/** One request; a key that came before has the first answer again. */
	answer({ method, path, form, key, body, headers }, fault) {
		if (headers.authorization !== `Bearer ${this.key}`)
			return [401, { error: { message: 'Invalid API Key' } }];
		if (headers['stripe-version'] !== '2024-06-20')
			return [400, { error: { message: 'Another API version' } }];
		const what = `${method} ${path} ${body}`;
		const before = key && this.keys.get(key);
		if (before)
			return before.what === what
				? [...before.said, { 'idempotent-replayed': 'true' }]
				: [400, { error: { type: 'idempotency_error',
					message: 'Keys are for one request.' } }];
		const said = fault ? [fault.status, { error: { type: 'api_error',
			message: 'not now' } }] : this.act(method, path, form);
		if (key && !(fault && !fault.keeps))
			this.keys.set(key, { what, said });
		return [...said, fault?.headers ?? {}];
	}

	async handle(request, reply) {
		const { pathname: path, search } = new URL(request.url, 'http://x');
		let body = '';
		for await (const piece of request)
			body += piece;
		const call = { method: request.method, path, body,
			form: brackets(request.method === 'POST' ? body
				: search.slice(1)), headers: request.headers,
			key: request.headers['idempotency-key'] };
		call.at = performance.now();
		this.asked.push(call);
		let fault = this.fault(call);
		if (fault === 'before')
			return request.socket.destroy();
		const lost = fault === 'after';
		fault = typeof fault === 'number' ? { status: fault } : fault;
		const [status, json, headers] = this.answer(call,
			lost ? undefined : fault);
		const wait = this.late(call);
		await (typeof wait === 'number' ? pause(wait) : wait);
		if (lost)
			return request.socket.destroy();
		reply.writeHead(status, { 'content-type': 'application/json',
			...headers });
		return reply.end(JSON.stringify(status === 200
			? this.shape(json, call) : json));
	}
}

export async function standIn() {
	const stripe = new StandIn();
	const server = http.createServer((request, reply) => {
		stripe.handle(request, reply).catch((error) => {
			reply.writeHead(500);
			reply.end(error.stack);
		});
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	return Object.assign(stripe, {
		url: `http://127.0.0.1:${server.address().port}`,
		end: () => new Promise((done) => {
			server.closeAllConnections();
			server.close(done);
		}) });
}
