// Pages of other origins: who may read answers, and who is told that they may.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { clientRow, form } from '../lib/oauth.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const LISTED = 'https://ops.example.test';
let house, api, p, other, token, emails;

const name = () => `cid_${randomBytes(6).toString('hex')}`;
const host = () => `a${randomBytes(6).toString('hex')}.test`;

before(async () => {
	house = await stack({ own: true,
		set: [`cors_origins = ${LISTED} http://127.0.0.1:9999`] });
	api = client(house, {}, { record: false });
	p = people(house);
	other = people(house);
	emails = `/api/accounts/${p.account}/emails`;
	const answer = await api.as({ cookie: p.member.cookie })
		.post(`/api/accounts/${p.account}/token`, {});
	token = answer.json.data.access_token;
});
after(() => house?.end());

/** A public client's origin. */
function origin(of = {}, make = (h) => `https://${h}/back`) {
	const h = host();
	clientRow(house, { id: name(), application: p.application,
		uris: [make(h)], ...of });
	return { h, origin: `https://${h}` };
}

const ask = (origin, more = {}, path = emails) => api.as({ token })
	.get(path, { origin, ...more });
const before_ = (origin, path = emails, method = 'POST', more = {}) =>
	api.request('OPTIONS', path, undefined, { origin,
		'access-control-request-method': method,
		'access-control-request-headers': 'authorization,content-type',
		...more });
const allowed = ({ headers }) => headers['access-control-allow-origin'];
const varies = ({ headers }) => headers.vary.split(/,\s*/)
	.some((word) => word.toLowerCase() === 'origin');

function refused(answer, what) {
	assert.equal(allowed(answer), undefined, what);
	assert.equal(answer.headers['access-control-allow-methods'], undefined);
	assert.equal(answer.headers['access-control-expose-headers'], undefined);
	assert.ok(varies(answer), what);
}

describe('a page of another origin', () => {
	test('of a public client reads answers, and what stands in their head',
		async () => {
			const { origin: o } = origin();
			const answer = await ask(o);
			assert.equal(answer.status, 200, answer.text);
			assert.equal(allowed(answer), o);
			assert.ok(varies(answer));
			const shown = answer.headers['access-control-expose-headers']
				.toLowerCase().split(', ');
			for (const word of ['x-request-id', 'x-ratelimit-remaining', 'etag',
				'link', 'idempotency-replayed', 'retry-after'])
				assert.ok(shown.includes(word), word);
			assert.equal(answer.headers['access-control-allow-credentials'],
				undefined);
		});
	test('reads what is wrong, too', async () => {
		const { origin: o } = origin();
		for (const [path, status] of [[`${emails}?limit=x`, 422],
			['/api/emails/eml_999999999999', 404], ['/api/nothing', 404]]) {
			const answer = await ask(o, {}, path);
			assert.equal(answer.status, status);
			assert.equal(allowed(answer), o, path);
		}
		const none = await api.get(emails, { origin: o });
		assert.equal(none.status, 401);
		assert.equal(allowed(none), o);
	});
	test('signs in by OAuth: the token endpoint is open to it', async () => {
		const { origin: o } = origin();
		const answer = await api.post('/oauth2/token',
			form({ grant_type: 'nonsense' }), { origin: o });
		assert.equal(answer.status, 400);
		assert.equal(allowed(answer), o);
		assert.equal(allowed(await api.get('/.well-known/jwks.json',
			{ origin: o })), o);
	});
	test('that the operator lists reads answers', async () => {
		for (const o of [LISTED, 'http://127.0.0.1:9999'])
			assert.equal(allowed(await ask(o)), o);
	});
	test('is told nothing where a cookie asked', async () => {
		const { origin: o } = origin();
		const answer = await api.as({ cookie: p.member.cookie })
			.get(emails, { origin: o });
		assert.equal(answer.status, 200);
		refused(answer);
	});
	test('is told nothing of pages and of where one is led to', async () => {
		const { origin: o } = origin();
		refused(await api.get('/login', { origin: o, accept: 'text/html' }));
		refused(await api.get('/dashboard', { origin: o,
			accept: 'text/html' }));
	});
	test('of another application or account is told nothing', async () => {
		const theirs = origin({ application: other.application });
		refused(await ask(theirs.origin));
		const sibling = origin({ account: p.other });
		refused(await ask(sibling.origin));
		const ours = origin({ account: p.account });
		assert.equal(allowed(await ask(ours.origin)), ours.origin);
	});
	test('of a client with a secret, or one that is switched off, is told ' +
		'nothing', async () => {
		refused(await ask(origin({ secret: 'a secret of some length' })
			.origin));
		const off = origin();
		sql(house, `UPDATE client SET is_active = false
			WHERE redirect_uris = ARRAY['${off.origin}/back']`);
		refused(await ask(off.origin));
	});
});

/** What nginx refuses by itself. */
const refusals = [
	[413, 'POST', { 'content-length': 40 << 20, expect: '100-continue' }],
	[405, 'TRACE', {}],
];
const doors = [() => emails, () => '/api/threads', () => '/api/inbox',
	() => '/oauth2/token'];

describe('a refusal of nginx', () => {
	for (const [status, method, headers] of refusals)
		test(`${status} is read where answers are`, async () => {
			const { origin: o } = origin();
			for (const path of doors)
				for (const from of [o, LISTED]) {
					const answer = await api.request(method, path(), undefined,
						{ ...headers, origin: from });
					assert.equal(answer.status, status, path());
					assert.equal(allowed(answer), from, path());
					assert.ok(varies(answer));
					assert.match(answer.headers['access-control-expose-headers'],
						/\bX-Request-Id\b/);
					assert.ok(answer.headers['x-request-id']);
				}
		});
	test('is nothing to others, nor where a cookie asked', async () => {
		const { origin: o } = origin();
		for (const [status, method, headers] of refusals)
			for (const more of [{ origin: 'https://unknown.test' },
				{ origin: 'null' }, {},
				{ origin: o, cookie: 'session=x' }]) {
				const answer = await api.request(method, emails, undefined,
					{ ...headers, ...more });
				assert.equal(answer.status, status);
				refused(answer);
			}
	});
	test('comes though nobody can be asked', async () => {
		await house.stop('serve');
		try {
			const answer = await api.get(emails, { origin: LISTED });
			assert.equal(answer.status, 502);
			assert.equal(answer.json.code, 'bad_gateway');
			refused(answer);
		} finally {
			await house.start('serve');
		}
	});
});

describe('an origin', () => {
	test('is compared as a whole', async () => {
		const { h } = origin();
		for (const o of [`https://${h}.evil.test`, `https://x.${h}`,
			`https://x${h}`, `http://${h}`, `https://${h}:8443`,
			`https://${h}/`, `https://${h}/back`, `https://evil@${h}`,
			`https://evil.test/${h}`, `HTTPS://${h}`, `https://${h.toUpperCase()}`,
			`https://${h}.`, `${LISTED}.evil.test`, `${LISTED}:1`,
			LISTED.slice(0, -1), 'https://', 'https', '*', 'null', '',
			'file://', `https://${h} ${LISTED}`, `https://${'a'.repeat(300)}`,
			'https://%00.test', 'https://\'--.test']) {
			refused(await ask(o), o);
			refused(await before_(o), o);
		}
	});
	test('that is null is nobody\'s, whatever is registered', async () => {
		clientRow(house, { id: name(), application: p.application,
			uris: ['com.example.app:/back', 'null', '*'] });
		refused(await ask('null'));
		refused(await ask('*'));
	});
	test('is written as browsers write it', async () => {
		const std = origin({}, (h) => `HTTPS://${h.toUpperCase()}:443/back?x=1`);
		assert.equal(allowed(await ask(std.origin)), std.origin);
		const odd = host();
		clientRow(house, { id: name(), application: p.application,
			uris: [`http://${odd}:8080/a`, `http://${odd}:80`] });
		for (const o of [`http://${odd}:8080`, `http://${odd}`])
			assert.equal(allowed(await ask(o)), o);
		refused(await ask(`https://${odd}`));
	});
	test('of an address with a user in it is none', async () => {
		const { h } = origin({}, (x) => `https://evil.test@${x}/back`);
		refused(await ask(`https://${h}`));
		refused(await ask('https://evil.test'));
	});
});

describe('a preflight', () => {
	test('is answered with what the path takes', async () => {
		const { origin: o } = origin();
		const answer = await before_(o);
		assert.equal(answer.status, 204);
		assert.equal(answer.text, '');
		assert.equal(allowed(answer), o);
		assert.ok(varies(answer));
		assert.deepEqual(answer.headers['access-control-allow-methods']
			.split(', ').sort(), ['GET', 'HEAD', 'POST']);
		const may = answer.headers['access-control-allow-headers'].toLowerCase()
			.split(', ');
		for (const word of ['authorization', 'content-type', 'idempotency-key',
			'if-match', 'if-none-match'])
			assert.ok(may.includes(word), word);
		assert.ok(Number(answer.headers['access-control-max-age']) <= 600);
		assert.equal(answer.headers['access-control-allow-credentials'],
			undefined);
	});
	test('needs nobody to be signed in, and runs nothing', async () => {
		const { origin: o } = origin();
		const was = sql(house, 'SELECT count(*) FROM webhook');
		assert.equal((await before_(o, '/api/webhooks')).status, 204);
		assert.equal(sql(house, 'SELECT count(*) FROM webhook'), was);
	});
	test('of an origin that is not known is refused', async () => {
		const answer = await before_('https://unknown.test');
		assert.equal(answer.status, 403);
		refused(answer);
	});
	test('for a path that is not here is 404', async () => {
		const { origin: o } = origin();
		assert.equal((await before_(o, '/api/nothing')).status, 404);
	});
	test('that is none is 405, as any other method', async () => {
		const { origin: o } = origin();
		for (const headers of [{ origin: o }, {},
			{ 'access-control-request-method': 'GET' }]) {
			const answer = await api.request('OPTIONS', emails, undefined,
				headers);
			assert.equal(answer.status, 405);
			assert.ok(answer.headers.allow.includes('GET'));
		}
	});
});

describe('a wildcard', () => {
	test('comes never', async () => {
		for (const o of ['https://unknown.test', 'null', LISTED, undefined]) {
			const headers = o === undefined ? {} : { origin: o };
			for (const answer of [await api.get('/openapi.json', headers),
				await api.as({ token }).get(emails, headers),
				await api.get('/.well-known/openid-configuration', headers)])
				assert.notEqual(allowed(answer), '*');
		}
	});
});
