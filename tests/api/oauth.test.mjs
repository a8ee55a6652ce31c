// The OAuth 2 server, against two client libraries and by hand.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import { client, refusedWithinSecond } from '../lib/api.mjs';
import { back, basic, clientRow, form, formOf, hash, pkce }
	from '../lib/oauth.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { cookieOf, parts, signIn } from '../lib/tokens.mjs';

const all = 'openid profile email';
const device = 'urn:ietf:params:oauth:grant-type:device_code';
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessType = 'urn:ietf:params:oauth:token-type:access_token';
let house, api, them, app, web, stranger, uri;

before(async () => {
	house = await stack();
	api = client(house);
	them = people(house);
	app = them.application;
	uri = 'https://client.example/cb';
	web = clientRow(house, { id: `cid_web${app}`, application: app,
		uris: [uri, 'https://client.example/cb?tenant=7', 'com.example.app:/cb'],
		name: 'Web <b>client</b>' });
	stranger = clientRow(house, { id: `cid_side${app}`, application: app,
		account: them.account, uris: ['https://side.example/cb'],
		secret: 'side & secret:ü' });
});

const query = (fields) => `/oauth2/authorize?${form(fields)}`;
const wish = (challenge, more = {}) => ({ response_type: 'code',
	client_id: web.id, redirect_uri: uri, scope: all, state: 'a state/&=',
	code_challenge: challenge, code_challenge_method: 'S256', ...more });
const as = (who) => api.as({ cookie: who.cookie });
const token = (fields, headers) =>
	api.post('/oauth2/token', form(fields), headers);

/** Through consent, where it is asked for, back to the client. */
async function code(who, fields) {
	let answer = await as(who).get(query(fields));
	if (answer.status === 200) {
		const { action, fields: hidden } = formOf(answer.text);
		answer = await as(who).post(action, form({ ...hidden,
			decision: 'allow' }));
	}
	return back(answer, fields.redirect_uri);
}

async function granted(who = them.member, more = {}) {
	const { verifier, challenge } = pkce();
	const fields = wish(challenge, more);
	const got = await code(who, fields);
	const ask = { grant_type: 'authorization_code', code: got.code,
		client_id: fields.client_id, redirect_uri: fields.redirect_uri,
		code_verifier: verifier };
	return { got, ask, tokens: async (headers) => {
		const answer = await token(ask, headers);
		assert.equal(answer.status, 200, answer.text);
		return answer.json;
	} };
}

function fault(answer, error, status = 400) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json.error, error, answer.text);
	assert.match(answer.json.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
}

const me = async (bearer) =>
	(await api.as({ token: bearer }).get('/oauth2/userinfo')).status;

// ---------------------------------------------------------------- discovery

describe('discovery', () => {
	test('says the same at both addresses, of this house', async () => {
		const one = await api.get('/.well-known/openid-configuration');
		const two = await api.get('/.well-known/oauth-authorization-server');
		assert.equal(one.status, 200);
		assert.deepEqual(one.json, two.json);
		assert.equal(one.json.issuer, house.url);
		assert.deepEqual(one.json.code_challenge_methods_supported, ['S256']);
		assert.deepEqual(one.json.response_types_supported, ['code']);
		assert.equal(one.json.grant_types_supported.length, 5);
		for (const [name, value] of Object.entries(one.json))
			if (/_endpoint$|_uri$/.test(name))
				assert.ok(value.startsWith(`${house.url}/`), name);
	});
	test('is read by oauth4webapi', async () => {
		const issuer = new URL(house.url);
		const answer = await oauth.discoveryRequest(issuer,
			{ [oauth.allowInsecureRequests]: true });
		await oauth.processDiscoveryResponse(
			new URL(JSON.parse(await answer.clone().text()).issuer), answer);
	});
});

// ------------------------------------------------------------ two libraries

/** openid-client wants to know that plain HTTP is meant. */
const configured = (id, secret) => oidc.discovery(new URL(house.url), id,
	secret ? { client_secret: secret } : undefined,
	secret ? undefined : oidc.None(),
	{ execute: [oidc.allowInsecureRequests] });

describe('openid-client', () => {
	test('goes from sign-in page to userinfo and a refresh, with the demo\'s ' +
		'client', async () => {
		const config = await configured('cid_demo');
		const verifier = oidc.randomPKCECodeVerifier();
		const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
		const home = sql(house, `SELECT redirect_uris[1] FROM client
			WHERE id = 'cid_demo'`);
		const to = oidc.buildAuthorizationUrl(config, { redirect_uri: home,
			scope: all, code_challenge: await oidc
				.calculatePKCECodeChallenge(verifier),
			code_challenge_method: 'S256', state, nonce });
		const first = await api.get(to.pathname + to.search);
		assert.equal(first.status, 302);
		assert.match(first.headers.location, /^\/auth\/login\?next=/);

		const page = await api.get(first.headers.location);
		const { action, fields } = formOf(page.text);
		const entered = await api.post(action, form({ ...fields,
			username: 'demo', password: 'demo123' }));
		assert.equal(entered.status, 302);
		const who = { cookie: cookieOf(entered) };
		let answer = await as(who).get(entered.headers.location);
		if (answer.status === 200) {
			const consent = formOf(answer.text);
			answer = await as(who).post(consent.action, form({
				...consent.fields, decision: 'allow' }));
			assert.equal(answer.status, 303);
		}
		const shown = await api.get(answer.headers.location
			.slice(house.url.length));
		assert.equal(shown.status, 200);
		assert.match(shown.text, /<dt>code<\/dt>/);

		const tokens = await oidc.authorizationCodeGrant(config,
			new URL(answer.headers.location), { pkceCodeVerifier: verifier,
				expectedState: state, expectedNonce: nonce });
		assert.equal(tokens.claims().sub, 'uid_2');
		const info = await oidc.fetchUserInfo(config, tokens.access_token,
			'uid_2');
		assert.equal(info.email, 'demo@c-imap.local');
		const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
		assert.equal(next.claims().sub, 'uid_2');
		assert.notEqual(next.refresh_token, tokens.refresh_token);
		await oidc.tokenRevocation(config, next.refresh_token);
		await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token));
	});
	test('lets the demo\'s backend in, and tells it of its token', async () => {
		const config = await configured('cid_backend', 'backend-secret');
		const tokens = await oidc.clientCredentialsGrant(config, {
			audience: 'https://api.inbox-manager.com' });
		const { payload } = parts(tokens.access_token);
		assert.equal(payload.aud, 'https://api.inbox-manager.com');
		assert.equal(payload.acc, 'acc_1');
		assert.equal(payload.sub, 'cid_backend');
		assert.equal(tokens.refresh_token, undefined);
		assert.equal((await api.as({ token: tokens.access_token })
			.get('/api/accounts')).status, 200);
		const told = await oidc.tokenIntrospection(config, tokens.access_token);
		assert.equal(told.active, true);
		assert.equal(told.client_id, 'cid_backend');
	});
});

describe('oauth4webapi', () => {
	test('checks the answer\'s issuer, the ID token and the rest', async () => {
		const insecure = { [oauth.allowInsecureRequests]: true };
		const server = { ...(await api.get('/.well-known/openid-configuration'))
			.json };
		const me = { client_id: stranger.id };
		const proof = oauth.ClientSecretBasic(stranger.secret);
		const { verifier, challenge } = pkce();
		const nonce = oauth.generateRandomNonce();
		const fields = wish(challenge, { client_id: stranger.id, nonce,
			redirect_uri: stranger.uri, max_age: '3600' });
		const got = await code(them.owner, fields);
		const params = oauth.validateAuthResponse(server, me,
			form(got), fields.state);
		const answer = await oauth.authorizationCodeGrantRequest(server, me,
			proof, params, stranger.uri, verifier, insecure);
		const tokens = await oauth.processAuthorizationCodeResponse(server, me,
			answer, { expectedNonce: nonce, maxAge: 3600,
				requireIdToken: true });
		assert.equal(tokens.scope, all);
		const claims = oauth.getValidatedIdTokenClaims(tokens);
		assert.equal(claims.sub, `uid_${them.owner.user}`);

		const { payload, protectedHeader } = await jwtVerify(tokens.id_token,
			createRemoteJWKSet(new URL(server.jwks_uri)),
			{ issuer: house.url, audience: stranger.id,
				algorithms: ['RS256'] });
		assert.equal(protectedHeader.typ, 'JWT');
		assert.equal(payload.nonce, nonce);
		assert.equal(payload.auth_time, Number(sql(house, `SELECT floor(
			extract(epoch FROM created_at)) FROM session
			WHERE token_hash = '\\x${hash(them.owner.cookie)}'`)));
		assert.equal(payload.at_hash, Buffer.from(hash(tokens.access_token),
			'hex').subarray(0, 16).toString('base64url'));
		assert.equal(await me_(tokens.id_token), 401);
	});
	const me_ = (bearer) => me(bearer);
});

// ---------------------------------------------------------------- authorize

describe('GET /oauth2/authorize', () => {
	const mutants = ['', `${'https://client.example/cb'}/`, `${'https://client.example/cb'}x`,
		'https://client.example/c', 'https://client.example/', 'https://client.example',
		'https://client.example/cb?', 'https://client.example/cb?x=1',
		'https://client.example/cb?tenant=8', 'https://client.example/cb?tenant=7&x=1',
		'https://client.example/cb#', 'https://client.example/cb#f',
		'https://client.example/cb/../cb', 'https://client.example/./cb',
		'https://client.example//cb', 'https://client.example/%63b',
		'https://client.example/cb%00', 'https://client.example/cb%0d%0aX:y',
		'https://client.example/cb ', ' https://client.example/cb',
		'http://client.example/cb', 'HTTPS://client.example/cb',
		'https://CLIENT.example/cb', 'https://client.example:443/cb',
		'https://client.example:8443/cb', 'https://client.example./cb',
		'https://user@client.example/cb', 'https://client.example@evil.example/cb',
		'https://client.example.evil.example/cb', 'https://evil.example/cb',
		'//client.example/cb', '/cb', 'javascript:alert(1)',
		'data:text/html,x', 'com.example.app:/cb2', 'com.example.app://cb',
		'https://client.example\\@evil.example/cb',
		'https://clıent.example/cb'];
	for (const redirect_uri of mutants)
		test(`goes nowhere for ${JSON.stringify(redirect_uri)}`, async () => {
			const answer = await as(them.member).get(query(
				wish(pkce().challenge, { redirect_uri })));
			assert.equal(answer.status, 400);
			assert.equal(answer.headers.location, undefined);
			assert.match(answer.headers['content-type'], /^text\/html/);
			assert.match(answer.text, /role="alert"/);
		});
	for (const [name, more] of Object.entries({
		'no client': { client_id: '' },
		'an unknown client': { client_id: 'cid_none' },
		'markup for a client': { client_id: '<script>' },
	}))
		test(`${name} is told on a page`, async () => {
			const answer = await as(them.member)
				.get(query(wish(pkce().challenge, more)));
			assert.equal(answer.status, 400);
			assert.match(answer.headers['content-type'], /^text\/html/);
			assert.match(answer.headers['content-security-policy'],
				/default-src 'none'/);
			assert.ok(!answer.text.includes('<script'));
		});
	test('a program that takes JSON only is told in JSON', async () => {
		fault(await as(them.member).get(query(wish('x', { client_id: 'x' })),
			{ accept: 'application/json' }), 'invalid_request');
	});
	test('an inactive client is none', async () => {
		const gone = clientRow(house, { id: `cid_gone${app}`, application: app,
			uris: [uri] });
		sql(house, `UPDATE client SET is_active = false
			WHERE id = '${gone.id}'`);
		assert.equal((await as(them.member).get(query(wish(pkce().challenge,
			{ client_id: gone.id })))).status, 400);
	});
	test('a parameter that comes twice is refused without a redirect',
		async () => {
			const answer = await as(them.member).get(
				`${query(wish(pkce().challenge))}&state=again`);
			assert.equal(answer.status, 400);
			assert.equal(answer.headers.location, undefined);
		});

	const wrong = [
		['no response_type', { response_type: '' }, 'unsupported_response_type'],
		['the implicit flow', { response_type: 'token' },
			'unsupported_response_type'],
		['the hybrid flow', { response_type: 'code id_token' },
			'unsupported_response_type'],
		['response_mode fragment', { response_mode: 'fragment' },
			'invalid_request'],
		['no challenge', { code_challenge: '' }, 'invalid_request'],
		['no method', { code_challenge_method: '' }, 'invalid_request'],
		['method plain', { code_challenge_method: 'plain' },
			'invalid_request'],
		['method s256', { code_challenge_method: 's256' }, 'invalid_request'],
		['a short challenge', { code_challenge: 'x'.repeat(42) },
			'invalid_request'],
		['a padded challenge', { code_challenge: `${'x'.repeat(42)}=` },
			'invalid_request'],
		['a request object', { request: 'x.y.z' }, 'request_not_supported'],
		['a request_uri', { request_uri: 'https://evil.example/' },
			'request_uri_not_supported'],
		['a broken scope', { scope: 'openid "x"' }, 'invalid_scope'],
		['an audience of others', { audience: 'https://evil.example' },
			'invalid_target'],
		['an unknown prompt', { prompt: 'dance' }, 'invalid_request'],
		['none and more', { prompt: 'none login' }, 'invalid_request'],
		['max_age in words', { max_age: 'old' }, 'invalid_request'],
		['a negative max_age', { max_age: '-1' }, 'invalid_request'],
	];
	for (const [name, more, error] of wrong)
		test(`${name} is told to the client: ${error}`, async () => {
			const answer = await as(them.member)
				.get(query(wish(pkce().challenge, more)));
			assert.equal(answer.status, 302);
			const got = back(answer, uri);
			assert.equal(got.error, error);
			assert.equal(got.state, 'a state/&=');
			assert.equal(got.iss, house.url);
			assert.equal(got.code, undefined);
		});
	test('keeps what the address has in its query', async () => {
		const redirect_uri = 'https://client.example/cb?tenant=7';
		const got = back(await as(them.member).get(query(wish('short',
			{ redirect_uri }))), `${redirect_uri}&error=`);
		assert.equal(got.tenant, '7');
	});

	test('who is not signed in goes to the sign-in page, and back', async () => {
		const there = query(wish(pkce().challenge, { prompt: 'login' }));
		for (const who of [api, as({ cookie: 'A'.repeat(43) }),
			api.as({ token: await signIn(api, 'demo@c-imap.local', 'demo123') })]) {
			const answer = await who.get(there);
			assert.equal(answer.status, 302);
			const to = new URL(answer.headers.location, house.url);
			assert.equal(to.pathname, '/auth/login');
			assert.equal(to.searchParams.get('client_id'), web.id);
			const next = new URL(to.searchParams.get('next'), house.url);
			assert.equal(next.pathname, '/oauth2/authorize');
			assert.equal(next.searchParams.get('prompt'), null);
			assert.equal(next.searchParams.get('state'), 'a state/&=');
		}
	});
	test('the sign-in page keeps the way, and lets the form lead there',
		async () => {
			const next = query(wish(pkce().challenge));
			const page = await api.get(`/auth/login?${form({ next,
				client_id: web.id })}`);
			assert.equal(formOf(page.text).fields.next, next);
			assert.match(page.headers['content-security-policy'],
				/form-action 'self' https:\/\/client\.example;/);
			const wrong = await api.post('/auth/login', form({ next,
				client_id: web.id, username: 'nobody', password: 'x' }));
			const again = new URL(wrong.headers.location, house.url);
			assert.equal(again.searchParams.get('next'), next);
			assert.equal(again.searchParams.get('error'), '1');
		});
	for (const next of ['//evil.example', '/\\evil.example', '/\tx',
		'https://evil.example', 'javascript:alert(1)', 'evil', '\\\\evil',
		'/a\\b', '/é', ''])
		test(`the sign-in page does not lead to ${JSON.stringify(next)}`,
			async () => {
				const page = await api.get(`/auth/login?${form({ next })}`);
				if (page.status === 200)
					assert.ok(!page.text.includes('name="next"'));
				const answer = await api.post('/auth/login', form({ next,
					username: 'demo', password: 'demo123' }));
				assert.ok([302, 400].includes(answer.status));
				assert.equal(answer.headers.location ?? '/dashboard',
					'/dashboard');
			});
	test('a user of another application is nobody here', async () => {
		const others = people(house);
		const answer = await as(others.member)
			.get(query(wish(pkce().challenge)));
		assert.match(answer.headers.location, /^\/auth\/login\?/);
		const silent = await as(others.member)
			.get(query(wish(pkce().challenge, { prompt: 'none' })));
		assert.equal(back(silent, uri).error, 'login_required');
	});
	test('prompt=none says what is missing, and gives a code when nothing is',
		async () => {
			const who = people(house);
			const own = clientRow(house, { id: `cid_own${who.application}`,
				application: who.application, uris: [uri] });
			const silent = () => query(wish(pkce().challenge,
				{ client_id: own.id, prompt: 'none' }));
			assert.equal(back(await api.get(silent()), uri).error,
				'login_required');
			assert.equal(back(await as(who.member).get(silent()), uri).error,
				'consent_required');
			await code(who.member, wish(pkce().challenge,
				{ client_id: own.id }));
			assert.match(back(await as(who.member).get(silent()), uri).code,
				/^[\w-]{43}$/);
			sql(house, `UPDATE session SET created_at = now() - interval '1 h'
				WHERE user_id = ${who.member.user}`);
			const old = await as(who.member).get(query(wish(pkce().challenge,
				{ client_id: own.id, prompt: 'none', max_age: '60' })));
			assert.equal(back(old, uri).error, 'login_required');
		});
	test('asked by form it is the same', async () => {
		const answer = await as(them.member).post('/oauth2/authorize',
			form(wish(pkce().challenge, { response_type: 'token' })));
		assert.equal(back(answer, uri).error, 'unsupported_response_type');
	});
});

describe('consent', () => {
	const page = async (who = them.viewer, more = {}) => as(who).get(query(
		wish(pkce().challenge, { prompt: 'consent', ...more })));

	test('is a page without script that names client and address', async () => {
		const answer = await page();
		assert.equal(answer.status, 200);
		assert.match(answer.text, /Web &lt;b&gt;client&lt;\/b&gt;/);
		assert.ok(answer.text.includes(uri));
		assert.ok(!/<script|<b>client|style="/.test(answer.text));
		assert.match(answer.headers['content-security-policy'], new RegExp(
			'^default-src \'none\'; style-src \'sha256-[^\']*\'; form-action ' +
			'\'self\' https://client\\.example; frame-ancestors \'none\''));
		assert.equal(answer.headers['cache-control'], 'no-store');
		assert.match(answer.text, /<button name="decision" value="allow">/);
	});
	test('is asked once, and written down', async () => {
		const who = them.viewer;
		assert.equal((await as(who).get(query(wish(pkce().challenge)))).status,
			200);
		const got = await code(who, wish(pkce().challenge));
		assert.equal(got.iss, house.url);
		assert.equal((await as(who).get(query(wish(pkce().challenge)))).status,
			302);
		assert.equal((await as(who).get(query(wish(pkce().challenge,
			{ scope: `${all} offline_access` })))).status, 200);
		assert.equal((await page()).status, 200);
		assert.equal(sql(house, `SELECT detail FROM audit
			WHERE action = 'client.consent' AND subject = '${web.id}'
			AND user_id = ${who.user}`), all);
	});
	test('refused is told to the client', async () => {
		const { action, fields } = formOf((await page()).text);
		const got = back(await as(them.viewer).post(action,
			form({ ...fields, decision: 'deny' })), uri);
		assert.equal(got.error, 'access_denied');
		assert.equal(got.state, 'a state/&=');
		assert.equal(got.code, undefined);
	});
	for (const [name, change, headers] of [
		['without its token', { csrf_token: '' }, {}],
		['with the token of somebody else', { csrf_token: 'a'.repeat(64) }, {}],
		['from another site', {}, { origin: 'https://evil.example' }],
		['from a sandbox', {}, { origin: 'null' }],
		['from a sister site', {}, { 'sec-fetch-site': 'same-site' }],
	])
		test(`${name} is 403 and no code`, async () => {
			const { action, fields } = formOf((await page()).text);
			const answer = await as(them.viewer).post(action,
				form({ ...fields, ...change, decision: 'allow' }), headers);
			assert.equal(answer.status, 403);
			assert.equal(answer.headers.location, undefined);
		});
	test('cannot lead elsewhere', async () => {
		const { action, fields } = formOf((await page()).text);
		const answer = await as(them.viewer).post(action, form({ ...fields,
			redirect_uri: 'https://evil.example/', decision: 'allow' }));
		assert.equal(answer.status, 400);
		assert.equal(answer.headers.location, undefined);
	});
	test('without a decision, or signed out, gives nothing', async () => {
		const { action, fields } = formOf((await page()).text);
		assert.equal((await as(them.viewer).post(action, form({ ...fields,
			decision: 'perhaps' }))).status, 400);
		const answer = await api.post(action, form({ ...fields,
			decision: 'allow' }));
		assert.match(answer.headers.location, /^\/auth\/login/);
	});
});

// --------------------------------------------------------------------- code

describe('a code', () => {
	test('gives tokens for the user\'s account and role', async () => {
		const { tokens } = await granted(them.owner);
		const got = await tokens();
		const { payload } = parts(got.access_token);
		assert.equal(payload.uid, `uid_${them.owner.user}`);
		assert.equal(payload.acc, `acc_${them.account}`);
		assert.equal(payload.role, 'owner');
		assert.equal(payload.cid, web.id);
		assert.equal(payload.scope, all);
		assert.equal(got.token_type, 'Bearer');
		assert.equal(got.expires_in, 600);
		assert.equal(await me(got.access_token), 200);
		assert.equal((await api.as({ token: got.access_token })
			.get(`/api/accounts/${them.account}`)).status, 200);
	});
	test('in a JSON body as well, and never to be cached', async () => {
		const { ask } = await granted();
		const answer = await api.post('/oauth2/token', ask);
		assert.equal(answer.status, 200, answer.text);
		assert.equal(answer.headers['cache-control'], 'no-store');
	});
	test('without openid there is no ID token', async () => {
		const got = await (await granted(them.owner, { scope: 'email' }))
			.tokens();
		assert.equal(got.id_token, undefined);
		assert.equal(await me(got.access_token), 403);
	});
	test('used twice ends what came of it', async () => {
		const { ask, tokens } = await granted(them.owner);
		const got = await tokens();
		assert.equal(await me(got.access_token), 200);
		fault(await token(ask), 'invalid_grant');
		assert.equal(await me(got.access_token), 401);
		fault(await token({ grant_type: 'refresh_token', client_id: web.id,
			refresh_token: got.refresh_token }), 'invalid_grant');
		assert.equal(sql(house, `SELECT count(*) FROM audit
			WHERE action = 'token.refuse_reuse' AND detail = 'code'
			AND subject = '${parts(got.access_token).payload.sid}'`), '1');
	});
	test('twice at once: one success', async () => {
		for (let i = 0; i < 5; i++) {
			const { ask } = await granted(them.owner);
			const answers = await Promise.all([token(ask), token(ask),
				token(ask)]);
			assert.deepEqual(answers.map((a) => a.status).sort(),
				[200, 400, 400]);
			for (const answer of answers.filter((a) => a.status !== 200))
				fault(answer, 'invalid_grant');
		}
	});
	test('is known to the database by its hash only', async () => {
		const { got } = await granted();
		assert.equal(sql(house, `SELECT count(*) FROM oauth_code
			WHERE hash = '\\x${hash(got.code)}'`), '1');
		assert.ok(!sql(house, `SELECT string_agg(c::text, ' ')
			FROM oauth_code c`).includes(got.code));
	});

	const wrong = [
		['another verifier', () => ({ code_verifier: pkce().verifier })],
		['the challenge for a verifier', (ask) => ({ code_verifier:
			Buffer.from(hash(ask.code_verifier), 'hex')
				.toString('base64url') })],
		['another address', () => ({ redirect_uri: 'com.example.app:/cb' })],
		['another code', () => ({ code: 'A'.repeat(43) })],
		['half of the code', (ask) => ({ code: ask.code.slice(0, 20) })],
	];
	for (const [name, change] of wrong)
		test(`with ${name} is invalid_grant`, async () => {
			const { ask } = await granted();
			fault(await token({ ...ask, ...change(ask) }), 'invalid_grant');
		});
	for (const name of ['code', 'redirect_uri', 'code_verifier'])
		test(`without ${name} is invalid_request, and names it`, async () => {
			const { ask } = await granted();
			const answer = await token({ ...ask, [name]: '' });
			fault(answer, 'invalid_request');
			assert.match(answer.json.error_description, new RegExp(`^${name}`));
			assert.equal((await token(ask)).status, 200);
		});
	test('of one client is none to another, and still good', async () => {
		const { ask } = await granted();
		fault(await token({ ...ask, client_id: '' },
			basic(stranger.id, stranger.secret)), 'invalid_grant');
		assert.equal((await token(ask)).status, 200);
	});
	test('tried with a wrong verifier is gone', async () => {
		const { ask } = await granted();
		fault(await token({ ...ask, code_verifier: pkce().verifier }),
			'invalid_grant');
		fault(await token(ask), 'invalid_grant');
	});
	test('is good for a minute', async () => {
		const { got, ask } = await granted();
		const where = `hash = '\\x${hash(got.code)}'`;
		assert.match(sql(house, `SELECT expires_at <= now() +
			interval '60 s' FROM oauth_code WHERE ${where}`), /t/);
		sql(house, `UPDATE oauth_code SET expires_at = now() WHERE ${where}`);
		fault(await token(ask), 'invalid_grant');
	});
	test('dies with the session it was given in', async () => {
		const who = people(house);
		const own = clientRow(house, { id: `cid_die${who.application}`,
			application: who.application, uris: [uri] });
		const { ask } = await granted(who.member, { client_id: own.id });
		await as(who.member).post('/auth/sign-out');
		fault(await token(ask), 'invalid_grant');
	});
});

describe('what came of a code', () => {
	/* A house of its own for who is signed out or loses rights. */
	async function guest(more = {}) {
		const who = people(house);
		const own = clientRow(house, { id: `cid_g${who.application}`,
			application: who.application, uris: [uri] });
		const got = await (await granted(who.member,
			{ client_id: own.id, ...more })).tokens();
		return { ...who, own, got, refresh: (t = got.refresh_token, f = {}) =>
			token({ grant_type: 'refresh_token', client_id: own.id,
				refresh_token: t, ...f }) };
	}

	test('is renewed, each token once', async () => {
		const { refresh, got } = await guest();
		const next = await refresh();
		assert.equal(next.status, 200, next.text);
		assert.equal(next.json.scope, all);
		assert.equal(parts(next.json.id_token).payload.nonce, undefined);
		const [a, b] = await Promise.all([refresh(next.json.refresh_token),
			refresh(next.json.refresh_token)]);
		assert.deepEqual([a.status, b.status].sort(), [200, 400]);
		const won = a.status === 200 ? a : b;
		fault(await refresh(won.json.refresh_token), 'invalid_grant');
		assert.equal(await me(won.json.access_token), 401);
		assert.equal(await me(got.access_token), 401);
	});
	test('may be renewed for less, never for more', async () => {
		const { refresh, got } = await guest({ scope: 'openid email' });
		fault(await refresh(undefined, { scope: all }), 'invalid_scope');
		const less = await refresh(got.refresh_token, { scope: 'openid' });
		assert.equal(less.json.scope, 'openid');
		const info = await api.as({ token: less.json.access_token })
			.get('/oauth2/userinfo');
		assert.deepEqual(Object.keys(info.json), ['sub']);
		const whole = await refresh(less.json.refresh_token);
		assert.equal(whole.json.scope, 'openid email');
	});
	test('ends with the session that it was allowed in', async () => {
		const it = await guest();
		await as(it.member).post('/auth/sign-out');
		assert.equal(await me(it.got.access_token), 401);
		fault(await it.refresh(), 'invalid_grant');
	});
	test('goes on without it where that was asked for', async () => {
		const it = await guest({ scope: `${all} offline_access` });
		await as(it.member).post('/auth/sign-out');
		assert.equal(await me(it.got.access_token), 200);
		assert.equal((await it.refresh()).status, 200);
	});
	test('signed out by its own token leaves the browser signed in',
		async () => {
			const it = await guest();
			await api.as({ token: it.got.access_token }).post('/auth/sign-out');
			fault(await it.refresh(), 'invalid_grant');
			assert.equal((await as(it.member).get('/auth/me')).status, 200);
		});
	const ends = {
		'the membership': (p) => `DELETE FROM membership
			WHERE user_id = ${p.member.user}`,
		'the user': (p) => `UPDATE app_user SET is_active = false
			WHERE id = ${p.member.user}`,
		'the account': (p) => `UPDATE account SET status = 'suspended'
			WHERE id = ${p.account}`,
		'all sessions': (p) => `UPDATE session SET ended_at = now()
			WHERE user_id = ${p.member.user}`,
	};
	for (const [name, end] of Object.entries(ends))
		test(`ends with ${name}`, async () => {
			const it = await guest({ scope: `${all} offline_access` });
			sql(house, end(it));
			assert.equal((await refusedWithinSecond(() => api.as({
				token: it.got.access_token })
				.get(`/api/accounts/${it.account}`))).status, 401);
			fault(await it.refresh(), 'invalid_grant');
		});
	for (const [name, end] of [
		['is inactive', (id) => `UPDATE client SET is_active = false
			WHERE id = '${id}'`],
		['is removed', (id) => `DELETE FROM client WHERE id = '${id}'`],
	])
		test(`ends when the client ${name}`, async () => {
			const it = await guest({ scope: `${all} offline_access` });
			sql(house, end(it.own.id));
			assert.equal(await me(it.got.access_token), 401);
			fault(await it.refresh(), 'invalid_client', 401);
		});
});

// ------------------------------------------------------------------ clients

describe('a client proves itself', () => {
	const ask = { grant_type: 'client_credentials' };
	const right = () => ({ client_id: stranger.id,
		client_secret: stranger.secret });

	test('in the header or in the body', async () => {
		for (const answer of [await token(ask, basic(stranger.id,
			stranger.secret)), await token({ ...ask, ...right() }),
			await api.post('/oauth2/token', { ...ask, ...right() }),
			await token({ ...ask, client_id: stranger.id },
				basic(stranger.id, stranger.secret))]) {
			assert.equal(answer.status, 200, answer.text);
			assert.equal(parts(answer.json.access_token).payload.role,
				'member');
		}
	});
	const wrong = {
		'a wrong secret': () => ({ ...right(), client_secret: 'x' }),
		'no secret': () => ({ client_id: stranger.id }),
		'an empty secret': () => ({ ...right(), client_secret: '' }),
		'its hash for a secret': () => ({ ...right(),
			client_secret: hash(stranger.secret) }),
		'no name': () => ({ client_secret: stranger.secret }),
		'a name of nobody': () => ({ ...right(), client_id: 'cid_none' }),
		'the name in capitals': () => ({ ...right(),
			client_id: stranger.id.toUpperCase() }),
		'a secret that a public client has not': () => ({
			client_id: web.id, client_secret: 'x' }),
	};
	for (const [name, fields] of Object.entries(wrong))
		for (const path of ['/oauth2/token', '/oauth2/introspect',
			'/oauth2/revoke', '/oauth2/device_authorization'])
			test(`${path} with ${name} is 401`, async () => {
				const answer = await api.post(path,
					form({ ...ask, token: 'x', ...fields() }));
				fault(answer, 'invalid_client', 401);
				assert.match(answer.headers['www-authenticate'], /^Basic /);
			});
	for (const [name, header] of Object.entries({
		'no base64': 'Basic %%%', 'no colon': `Basic ${btoa('cid_x')}`,
		'nothing': 'Basic ', 'a broken escape': `Basic ${btoa('cid_x:%zz')}`,
		'a NUL': `Basic ${btoa('cid_x\0:y')}`,
	}))
		test(`a header of ${name} is 401`, async () => fault(
			await token({ ...ask, ...right() }, { authorization: header }),
			'invalid_client', 401));
	test('in two ways at once is refused', async () => {
		fault(await token({ ...ask, ...right() },
			basic(stranger.id, stranger.secret)), 'invalid_request');
		fault(await token({ ...ask, client_id: web.id },
			basic(stranger.id, stranger.secret)), 'invalid_request');
	});
	test('for itself only with a secret and an account', async () => {
		fault(await token({ ...ask, client_id: web.id }),
			'unauthorized_client');
		const loose = clientRow(house, { id: `cid_l${app}`, application: app,
			secret: 'x' });
		fault(await token(ask, basic(loose.id, 'x')), 'unauthorized_client');
		fault(await token({ ...ask, audience: 'https://evil.example' },
			basic(stranger.id, stranger.secret)), 'invalid_target');
	});
});

describe('POST /oauth2/token', () => {
	for (const type of ['password', 'implicit', 'AUTHORIZATION_CODE',
		'urn:ietf:params:oauth:grant-type:jwt-bearer', 'x'.repeat(100)])
		test(`does not know ${type.slice(0, 30)}`, async () => fault(
			await token({ grant_type: type, client_id: web.id,
				username: 'demo', password: 'demo123' }),
			'unsupported_grant_type'));
	test('needs grant_type', async () => {
		for (const body of [{}, { grant_type: '' }]) {
			const answer = await api.post('/oauth2/token', body);
			fault(answer, 'invalid_request');
			assert.match(answer.json.error_description, /^grant_type/);
		}
	});
	const fields = ['grant_type', 'client_id', 'client_secret', 'code',
		'code_verifier', 'refresh_token', 'device_code', 'redirect_uri',
		'scope', 'audience', 'subject_token', 'subject_token_type',
		'requested_token_type', 'actor_token'];
	for (const name of fields)
		for (const [what, value] of Object.entries({
			'a number': 7, 'a list': ['x'], 'null': null,
			'too long': 'x'.repeat(9000), 'a control character': 'a\u0001' }))
			test(`${name} as ${what} is refused and named`, async () => {
				const answer = await api.post('/oauth2/token',
					{ grant_type: 'refresh_token', [name]: value });
				fault(answer, 'invalid_request');
				assert.match(answer.json.error_description,
					new RegExp(`^${name}`));
			});
	test('other bodies are refused in OAuth\'s words', async () => {
		const post = (body, type) => api.post('/oauth2/token', body,
			{ 'content-type': type });
		fault(await post('{"a', 'application/json'), 'invalid_request');
		fault(await post('[]', 'application/json'), 'invalid_request');
		fault(await post('a=1', 'text/plain'), 'invalid_request', 415);
		fault(await post('grant_type=x&grant_type=y',
			'application/x-www-form-urlencoded'), 'invalid_request');
		fault(await post('grant_type=%zz',
			'application/x-www-form-urlencoded'), 'invalid_request');
		assert.equal((await api.get('/oauth2/token')).status, 405);
	});
	test('leaves what it does not know alone', async () => {
		const answer = await token({ grant_type: 'client_credentials',
			resource: 'https://x.example', anything: '1' },
		basic(stranger.id, stranger.secret));
		assert.equal(answer.status, 200);
	});
	test('needs no origin, and no cookie matters', async () => {
		const answer = await as(them.member).post('/oauth2/token',
			form({ grant_type: 'client_credentials' }),
			{ ...basic(stranger.id, stranger.secret),
				origin: 'https://app.example' });
		assert.equal(answer.status, 200);
	});
});

// ------------------------------------------------------------------ devices

describe('a device', () => {
	const begin = async (more = {}) => {
		const answer = await api.post('/oauth2/device_authorization',
			form({ client_id: web.id, scope: all, ...more }));
		assert.equal(answer.status, 200, answer.text);
		return answer.json;
	};
	const poll = (code, more = {}) => token({ grant_type: device,
		client_id: web.id, device_code: code, ...more });
	/* The clock of the database is set back: nobody waits five seconds. */
	const later = (code, seconds = 60) => sql(house, `UPDATE oauth_device
		SET polled_at = polled_at - interval '${seconds} s'
		WHERE hash = '\\x${hash(code)}'`);
	async function decide(who, user_code, decision) {
		const first = formOf((await as(who).get(`/oauth2/device?${form({
			user_code })}`)).text);
		const asked = await as(who).post(first.action,
			form({ ...first.fields, user_code }));
		assert.equal(asked.status, 200, asked.text);
		const { action, fields } = formOf(asked.text);
		return as(who).post(action, form({ ...fields, decision }));
	}

	test('shows a code, and where to type it', async () => {
		const got = await begin();
		assert.match(got.user_code,
			/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
		assert.equal(got.verification_uri, `${house.url}/oauth2/device`);
		assert.equal(got.verification_uri_complete,
			`${got.verification_uri}?user_code=${got.user_code}`);
		assert.equal(got.expires_in, 600);
		assert.equal(got.interval, 5);
		const rows = sql(house, `SELECT string_agg(d::text, ' ')
			FROM oauth_device d`);
		assert.ok(!rows.includes(got.device_code));
		assert.ok(!rows.includes(got.user_code.replace('-', '')));
	});
	test('waits, is told to slow down, is approved, gets tokens once',
		async () => {
			const got = await begin();
			fault(await poll(got.device_code), 'authorization_pending');
			fault(await poll(got.device_code), 'slow_down');
			later(got.device_code, 7);
			fault(await poll(got.device_code), 'slow_down');
			later(got.device_code);
			fault(await poll(got.device_code), 'authorization_pending');

			const done = await decide(them.member,
				got.user_code.toLowerCase().replace('-', ' '), 'approve');
			assert.equal(done.status, 200);
			assert.match(done.text, /is connected/);
			later(got.device_code);
			const answer = await poll(got.device_code);
			assert.equal(answer.status, 200, answer.text);
			assert.equal(parts(answer.json.access_token).payload.uid,
				`uid_${them.member.user}`);
			assert.ok(answer.json.id_token);
			assert.equal(await me(answer.json.access_token), 200);
			assert.equal(sql(house, `SELECT count(*) FROM audit
				WHERE action = 'device.approve'
				AND user_id = ${them.member.user}`), '1');

			fault(await poll(got.device_code), 'invalid_grant');
			assert.equal(await me(answer.json.access_token), 401);
		});
	test('polls at once: one success', async () => {
		const got = await begin();
		await decide(them.member, got.user_code, 'approve');
		const answers = await Promise.all([1, 2, 3]
			.map(() => poll(got.device_code)));
		assert.equal(answers.filter((a) => a.status === 200).length, 1);
	});
	test('denied is told so', async () => {
		const got = await begin();
		assert.match((await decide(them.member, got.user_code, 'deny')).text,
			/Nothing was done/);
		fault(await poll(got.device_code), 'access_denied');
	});
	test('too late is told so, and so is who types the code', async () => {
		const got = await begin();
		sql(house, `UPDATE oauth_device SET expires_at = now()
			WHERE hash = '\\x${hash(got.device_code)}'`);
		fault(await poll(got.device_code), 'expired_token');
		const first = formOf((await as(them.member).get('/oauth2/device')).text);
		const answer = await as(them.member).post(first.action,
			form({ ...first.fields, user_code: got.user_code }));
		assert.equal(answer.status, 400);
		assert.match(answer.text, /role="alert"/);
	});
	test('is not another client\'s', async () => {
		const got = await begin();
		fault(await poll(got.device_code, { client_id: 'cid_demo' }),
			'invalid_grant');
		fault(await poll('A'.repeat(43)), 'invalid_grant');
		fault(await poll(''), 'invalid_request');
	});
	test('is nobody\'s of another application', async () => {
		const got = await begin();
		const others = people(house);
		const { action, fields } = formOf((await as(others.member)
			.get('/oauth2/device')).text);
		for (const decision of ['', 'approve'])
			assert.equal((await as(others.member).post(action, form({ ...fields,
				user_code: got.user_code, decision }))).status, 400);
		fault(await poll(got.device_code), 'authorization_pending');
	});
	test('is decided by who is signed in, on our own page', async () => {
		const got = await begin();
		const away = await api.get(`/oauth2/device?user_code=${got.user_code}`);
		const to = new URL(away.headers.location, house.url);
		assert.equal(to.searchParams.get('next'),
			`/oauth2/device?user_code=${got.user_code}`);
		const ask = { user_code: got.user_code, decision: 'approve' };
		assert.match((await api.post('/oauth2/device', form(ask)))
			.headers.location, /^\/auth\/login/);
		assert.equal((await as(them.member).post('/oauth2/device',
			form(ask))).status, 403);
		const { fields } = formOf((await as(them.member).get('/oauth2/device'))
			.text);
		assert.equal((await as(them.member).post('/oauth2/device',
			form({ ...ask, ...fields }), { origin: 'https://evil.example' }))
			.status, 403);
		assert.equal((await as(them.member).post('/oauth2/device',
			form({ ...ask, ...fields, decision: 'x' }))).status, 400);
		fault(await poll(got.device_code), 'authorization_pending');
	});
	test('shows what is typed as text', async () => {
		const page = await as(them.member).get(`/oauth2/device?${form({
			user_code: '"><script>' })}`);
		assert.ok(!page.text.includes('<script'));
		assert.match(page.text, /<label for="user_code">/);
	});
	test('is refused a broken scope and foreign audience', async () => {
		for (const [more, error] of [[{ scope: '"' }, 'invalid_scope'],
			[{ audience: 'https://evil.example' }, 'invalid_target']])
			fault(await api.post('/oauth2/device_authorization',
				form({ client_id: web.id, ...more })), error);
	});
	test('is read by openid-client', async () => {
		const config = await configured(web.id);
		const started = await oidc.initiateDeviceAuthorization(config,
			{ scope: all });
		await decide(them.member, started.user_code, 'approve');
		const tokens = await oidc.pollDeviceAuthorizationGrant(config,
			{ ...started, interval: 0.1 });
		assert.equal(tokens.claims().sub, `uid_${them.member.user}`);
	});
});

// ----------------------------------------------------------------- exchange

describe('token exchange', () => {
	let person, ask;
	before(async () => {
		person = await (await granted(them.owner)).tokens();
		sql(house, `INSERT INTO membership (application_id, account_id, user_id,
			role) VALUES (${app}, ${them.other}, ${them.owner.user}, 'viewer')`);
		const [access] = [person.access_token];
		ask = { grant_type: exchange, client_id: web.id, subject_token: access,
			subject_token_type: accessType };
		/* The role of a second account changes nothing in the first. */
		assert.equal(await me(access), 200);
	});

	test('gives a token of another account of the user', async () => {
		const { status, json, text } = await token({ ...ask,
			account_id: `acc_${them.other}` });
		assert.equal(status, 200, text);
		assert.equal(json.issued_token_type, accessType);
		assert.equal(json.refresh_token, undefined);
		const { payload } = parts(json.access_token);
		assert.equal(payload.acc, `acc_${them.other}`);
		assert.equal(payload.role, 'viewer');
		assert.equal(payload.sid, parts(person.access_token).payload.sid);
		const got = api.as({ token: json.access_token });
		assert.equal((await got.get(`/api/accounts/${them.other}`)).status, 200);
		assert.equal((await got.get(`/api/accounts/${them.account}`)).status,
			403);
	});
	test('gives another audience, and less scope', async () => {
		const { json } = await token({ ...ask, scope: 'openid',
			audience: 'https://api.inbox-manager.com' });
		const { payload } = parts(json.access_token);
		assert.equal(payload.aud, 'https://api.inbox-manager.com');
		assert.equal(payload.scope, 'openid');
		assert.equal(json.scope, 'openid');
	});
	const wrong = {
		'an account without rights': [{ account_id: '1' }, 'invalid_target'],
		'an account of nobody': [{ account_id: '999999' }, 'invalid_target'],
		'an audience of others': [{ audience: 'https://x.example' },
			'invalid_target'],
		'more scope': [{ scope: `${all} offline_access` }, 'invalid_scope'],
		'no subject': [{ subject_token: '' }, 'invalid_request'],
		'no type': [{ subject_token_type: '' }, 'invalid_request'],
		'another type': [{ subject_token_type:
			'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
		'another wanted type': [{ requested_token_type:
			'urn:ietf:params:oauth:token-type:refresh_token' },
		'invalid_request'],
		'an actor': [{ actor_token: 'x' }, 'invalid_request'],
		'no token': [{ subject_token: 'x.y.z' }, 'invalid_grant'],
		'an account that is no id': [{ account_id: 'uid_1' },
			'invalid_request'],
	};
	for (const [name, [more, error]] of Object.entries(wrong))
		test(`with ${name} is ${error}`, async () =>
			fault(await token({ ...ask, ...more }), error));
	test('takes neither ID nor refresh token', async () => {
		for (const subject_token of [person.id_token, person.refresh_token])
			fault(await token({ ...ask, subject_token }), 'invalid_grant');
	});
	test('takes no token of another client', async () => fault(await token(
		{ ...ask, client_id: '' }, basic(stranger.id, stranger.secret)),
	'invalid_grant'));
	test('keeps a machine in its account, and its token\'s end', async () => {
		const proof = basic(stranger.id, stranger.secret);
		const { json } = await token({ grant_type: 'client_credentials' },
			proof);
		const own = { grant_type: exchange, subject_token: json.access_token,
			subject_token_type: accessType };
		fault(await token({ ...own, account_id: `${them.other}` }, proof),
			'invalid_target');
		const { json: next } = await token({ ...own,
			audience: 'https://api.inbox-manager.com' }, proof);
		assert.ok(parts(next.access_token).payload.exp <=
			parts(json.access_token).payload.exp);
	});
	test('takes no token of an ended session', async () => {
		const got = await (await granted(them.owner)).tokens();
		sql(house, `UPDATE session SET ended_at = now() WHERE id =
			${parts(got.access_token).payload.sid.slice(4)}`);
		fault(await token({ ...ask, subject_token: got.access_token }),
			'invalid_grant');
	});
});

// ------------------------------------------------- introspection, revocation

describe('POST /oauth2/introspect', () => {
	const look = (what, who = { client_id: web.id }, headers = {}) =>
		api.post('/oauth2/introspect', form({ token: what, ...who }), headers);

	test('tells a client of its own tokens', async () => {
		const got = await (await granted(them.owner)).tokens();
		const { json } = await look(got.access_token);
		assert.equal(json.active, true);
		assert.equal(json.client_id, web.id);
		assert.equal(json.sub, `uid_${them.owner.user}`);
		assert.equal(json.acc, `acc_${them.account}`);
		assert.equal(json.scope, all);
		assert.equal(json.exp, parts(got.access_token).payload.exp);
		const kept = await look(got.refresh_token);
		assert.equal(kept.json.active, true);
		assert.equal(kept.json.token_type, 'refresh_token');
		assert.equal((await api.post('/oauth2/introspect',
			{ token: got.access_token, client_id: web.id })).json.active, true);
	});
	test('tells nobody of another client\'s', async () => {
		const got = await (await granted(them.owner)).tokens();
		const proof = basic(stranger.id, stranger.secret);
		for (const what of [got.access_token, got.refresh_token,
			await signIn(api, 'demo@c-imap.local', 'demo123')])
			assert.deepEqual((await look(what, {}, proof)).json,
				{ active: false });
		const { json } = await token({ grant_type: 'client_credentials' },
			proof);
		assert.deepEqual((await look(json.access_token)).json,
			{ active: false });
	});
	test('tells an admin\'s client of its application, and of no other',
		async () => {
			const admin = clientRow(house, { id: `cid_adm${app}`,
				application: app, account: them.account, secret: 'x',
				admin: true });
			const got = await (await granted(them.owner)).tokens();
			const proof = basic(admin.id, 'x');
			assert.equal((await look(got.access_token, {}, proof)).json.active,
				true);
			assert.equal((await look(got.refresh_token, {}, proof)).json.active,
				true);
			assert.deepEqual((await look(await signIn(api,
				'demo@c-imap.local', 'demo123'), {}, proof)).json,
			{ active: false });
		});
	test('of what is over, or none, says no more than that', async () => {
		const { tokens } = await granted(them.owner);
		const got = await tokens();
		const next = await token({ grant_type: 'refresh_token',
			client_id: web.id, refresh_token: got.refresh_token });
		for (const what of ['x', 'x.y.z', got.id_token, got.refresh_token,
			`${got.access_token}x`, 'A'.repeat(43)])
			assert.deepEqual((await look(what)).json, { active: false }, what);
		sql(house, `UPDATE session SET ended_at = now() WHERE id =
			${parts(got.access_token).payload.sid.slice(4)}`);
		for (const what of [got.access_token, next.json.refresh_token])
			assert.deepEqual((await look(what)).json, { active: false });
	});
	test('needs a token', async () => {
		for (const what of ['', undefined])
			fault(await api.post('/oauth2/introspect', { token: what,
				client_id: web.id }), 'invalid_request');
		fault(await api.post('/oauth2/introspect', { token: 7 }),
			'invalid_request');
	});
});

describe('POST /oauth2/revoke', () => {
	const revoke = (what, who = { client_id: web.id }, headers = {}) =>
		api.post('/oauth2/revoke', form({ token: what, ...who }), headers);

	for (const name of ['refresh_token', 'access_token'])
		test(`of the ${name} ends all of the grant`, async () => {
			const got = await (await granted(them.owner)).tokens();
			assert.equal((await revoke(got[name])).status, 200);
			assert.equal(await me(got.access_token), 401);
			fault(await token({ grant_type: 'refresh_token',
				client_id: web.id, refresh_token: got.refresh_token }),
			'invalid_grant');
			assert.equal(sql(house, `SELECT count(*) FROM audit
				WHERE action = 'token.revoke'
				AND subject = '${parts(got.access_token).payload.sid}'`), '1');
			assert.equal((await revoke(got[name])).status, 200);
		});
	test('is 200 for what is none, or another\'s, and does nothing',
		async () => {
			const got = await (await granted(them.owner)).tokens();
			const proof = basic(stranger.id, stranger.secret);
			for (const what of ['x', 'x.y.z', 'A'.repeat(43)])
				assert.equal((await revoke(what)).status, 200);
			for (const what of [got.access_token, got.refresh_token])
				assert.equal((await revoke(what, {}, proof)).status, 200);
			assert.equal(await me(got.access_token), 200);
		});
	test('needs a token', async () => fault(await revoke(''),
		'invalid_request'));
});

// ----------------------------------------------------------------- userinfo

describe('/oauth2/userinfo', () => {
	test('tells what the scope allows, by GET and POST', async () => {
		const got = await (await granted(them.owner)).tokens();
		const mine = api.as({ token: got.access_token });
		for (const answer of [await mine.get('/oauth2/userinfo'),
			await mine.post('/oauth2/userinfo')]) {
			assert.equal(answer.status, 200, answer.text);
			assert.equal(answer.json.sub, `uid_${them.owner.user}`);
			assert.match(answer.json.email, /^owner@/);
			assert.equal(answer.json.name, 'owner');
			assert.equal(answer.headers.etag, undefined);
		}
	});
	test('is 401 with a challenge for nobody and for what is no token',
		async () => {
			for (const who of [{}, { token: 'x' }]) {
				const answer = await api.as(who).get('/oauth2/userinfo');
				fault(answer, 'invalid_token', 401);
				assert.match(answer.headers['www-authenticate'], /^Bearer /);
			}
		});
	test('is 403 for a machine', async () => {
		const { json } = await token({ grant_type: 'client_credentials' },
			basic(stranger.id, stranger.secret));
		fault(await api.as({ token: json.access_token })
			.get('/oauth2/userinfo'), 'insufficient_scope', 403);
	});
	test('needs our own page where a cookie asks', async () => {
		assert.equal((await as(them.member).post('/oauth2/userinfo', undefined,
			{ origin: 'https://evil.example' })).status, 403);
	});
});

test('/oauth/callback shows what came as text', async () => {
	const page = await api.get(`/oauth/callback?${form({ code: '<script>',
		state: 'x' })}`);
	assert.equal(page.status, 200);
	assert.match(page.text, /&lt;script&gt;/);
	assert.ok(!page.text.includes('<script'));
});

test('no secret of a client or token is in a log', async () => {
	const word = randomBytes(12).toString('hex');
	const got = await (await granted(them.owner, { state: word })).tokens();
	const { readdirSync, readFileSync } = await import('node:fs');
	const text = readdirSync(house.logs, { withFileTypes: true })
		.filter((file) => file.isFile())
		.map((file) => readFileSync(`${house.logs}/${file.name}`, 'utf8'))
		.join('');
	assert.ok(text.includes('/oauth2/token'));
	for (const secret of [word, got.access_token, got.refresh_token,
		'backend-secret'])
		assert.ok(!text.includes(secret), secret);
});
