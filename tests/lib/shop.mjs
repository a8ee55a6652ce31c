// A house whose plans are sold, and the payment service that sells them; see
// stripe-stand-in.mjs.
//
//	const shop = await open();
//	const { p, sub, id } = await shop.subscribed();
//	stripe.change(sub, …); await shop.deliver(stripe.events.slice(-1));
//	await shop.settled();
//	await shop.end();
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync }
	from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from './api.mjs';
import { well } from './ctl.mjs';
import { people } from './people.mjs';
import { sql } from './sql.mjs';
import { stack } from './stack.mjs';
import { standIn } from './stripe-stand-in.mjs';

export const ALL = '/api/subscriptions';
export const places = { success_url: 'https://app.test/ok',
	cancel_url: 'https://app.test/no' };

class Shop {
	constructor(stripe, dir) {
		Object.assign(this, { stripe, dir });
	}

	file(name, text) {
		const path = `${this.dir}/${name}`;
		writeFileSync(path, text, { mode: 0o600 });
		return path;
	}

	async build({ set = [], url = this.stripe.url } = {}) {
		const { stripe } = this;
		const files = [this.file('key', `${stripe.key}\n`),
			this.file('secret', `whsec_another\n${stripe.secret}\n`)];
		this.house = await stack({ own: true, with: ['sync'], set: [
			`stripe_url = ${url}`, `stripe_secret_key_file = ${files[0]}`,
			`stripe_webhook_secret_file = ${files[1]}`, ...set] });
		execFileSync('chown', [this.house.user, ...files]);
		this.api = client(this.house);
		[this.month, this.year] = ['month', 'year']
			.map((i) => stripe.price('team', i));
		for (const period of ['month', 'year'])
			well(this.house, ['plan', 'set', 'team', '--title', 'Team',
				'--credentials', '9', '--price', `${period}=${this[period]}`]);
	}

	async end() {
		await this.house?.end();
		await this.stripe.end();
		rmSync(this.dir, { recursive: true, force: true });
	}

	/** Responders with another setting; null: without it. */
	async configure(name, value) {
		const { conf } = this.house;
		const text = readFileSync(conf, 'utf8')
			.replace(new RegExp(`^${name} = .*\\n`, 'm'), '');
		writeFileSync(conf, value === null ? text
			: `${text}${name} = ${value}\n`);
		await this.house.stop('serve');
		await this.house.start('serve');
	}

	/** Somebody new: { owner, member, … } of an account of its own. */
	newcomer() {
		const p = people(this.house);
		return { ...p, ...Object.fromEntries(['owner', 'member', 'viewer',
			'stranger'].map((who) =>
			[who, this.api.as({ cookie: p[who].cookie })])) };
	}

	/* ---- what the service tells ---- */

	async post(event, how) {
		const { body, header } = this.stripe.signed(event, how);
		return this.api.post('/webhooks/stripe', body, {
			'content-type': 'application/json', 'stripe-signature': header });
	}

	async deliver(events, how) {
		for (const event of events) {
			const { status, text, json } = await this.post(event, how);
			assert.equal(status, 200, text);
			assert.deepEqual(json.data, { received: true });
		}
	}

	/** Until all jobs of events have ended well. */
	async settled() {
		for (let i = 0; i < 3000; i++) {
			const [waiting, failed] = sql(this.house, `SELECT
				count(*) FILTER (WHERE state IN ('queued', 'running')) || ' ' ||
				count(*) FILTER (WHERE state = 'failed')
				FROM job WHERE action = 'billing_event'`)
				.split(' ').map(Number);
			assert.equal(failed, 0);
			if (waiting === 0)
				return;
			await pause(100);
		}
		assert.fail('the jobs of events do not end');
	}

	/* ---- what people ask ---- */

	checkout(who, price = this.month) {
		return who.post(`${ALL}/stripe/checkout-session`,
			{ price_id: price, ...places });
	}

	async list(p) {
		return (await p.owner.get(ALL)).json.data;
	}

	async plan(p) {
		return (await p.owner.get(`${ALL}/features`)).json.data.plan;
	}

	async subscribed(price = this.month) {
		const p = this.newcomer();
		const begun = await this.checkout(p.owner, price);
		assert.equal(begun.status, 201, begun.text);
		const sub = this.stripe.pay(begun.json.data.id);
		const synced = await p.owner.post(`${ALL}/stripe/checkout-session-sync`,
			{ session_id: begun.json.data.id });
		assert.equal(synced.status, 200, synced.text);
		return { p, sub, session: begun.json.data.id, id: synced.json.data.id };
	}
}

/** `set`: more lines of letterrack.conf; `url`: where the service is asked. */
export async function open(how) {
	const stripe = await standIn();
	const dir = mkdtempSync('/tmp/lr-stripe.');
	chmodSync(dir, 0o755);
	const shop = new Shop(stripe, dir);
	await shop.build(how);
	return shop;
}
