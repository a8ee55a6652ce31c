// Second factors: setting one up, the second step behind a password and behind a
// mailed link, the codes written down, what is granted in a session that has
// passed, and those who must have one.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { ctl, well } from '../lib/ctl.mjs';
import { back, clientRow, form, formOf, pkce } from '../lib/oauth.mjs';
import { mailsTo, tokenTo } from '../lib/outbox.mjs';
import { people } from '../lib/people.mjs';
import { psql } from '../lib/psql.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { another } from '../lib/tenants.mjs';
import { cookieOf } from '../lib/tokens.mjs';
import { base32, enrol, totp, wrong } from '../lib/totp.mjs';

let house, api, hash;

before(async () => {
	house = await stack();
	api = client(house);
	hash = sql(house, `SELECT password_hash FROM app_user
		WHERE email = 'demo@c-imap.local'`);
});

const password = 'demo123';
const html = { accept: 'text/html,*/*;q=0.8' };
const sessions = (user) => Number(sql(house, `SELECT count(*) FROM session
	WHERE user_id = ${user} AND ended_at IS NULL`));
const setCookie = (answer, name) => answer.headers['set-cookie']
	?.map((c) => new RegExp(`^${name}=([^;]*)`).exec(c)?.[1])
	.find((c) => c !== undefined);

/** Somebody whose password is demo123. */
function somebody({ role = 'member' } = {}) {
	const p = people(house);
	const { user, cookie } = p[role];
	const email = sql(house, `UPDATE app_user SET password_hash = '${hash}'
		WHERE id = ${user} RETURNING email`);
	// Without a client the oldest application is meant.
	const client_id = `cid_${randomBytes(8).toString('hex')}`;
	sql(house, `INSERT INTO client (id, application_id) VALUES
		('${client_id}', ${p.application})`);
	return { p, user, cookie, email, client_id, as: api.as({ cookie }),
		first: () => api.post('/auth/sign-in', { client_id, email, password }) };
}
const second = (who, step, code, more = {}) => api.post('/auth/second-factor',
	{ step, code, client_id: who.client_id, ...more });

/** The same with a factor that is on; the last code taken is the one before. */
async function guarded(options) {
	const who = somebody(options);
	return { ...who, ...await enrol(who.as, password) };
}

function half(answer) {
	assert.equal(answer.status, 401, answer.text);
	assert.equal(answer.json.code, 'second_factor_required');
	assert.match(answer.json.step, /^[\w-]{43}$/);
	assert.equal(answer.json.expires_in, 600);
	assert.equal(answer.headers['set-cookie'], undefined);
	return answer.json.step;
}
const step = async (who) => half(await who.first());
/** Both steps. */
const enter = async (who, code) => second(who, await step(who), code);

function refused(answer, code = 'second_factor_invalid', status = 401) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json.code, code);
	assert.equal(answer.headers['set-cookie'], undefined);
}
const unlock = (who) => sql(house, `UPDATE factor SET failed = 0,
	locked_until = NULL WHERE user_id = ${who.user}`);
const actions = (who) => sql(house, `SELECT string_agg(action ||
	coalesce(' (' || detail || ')', ''), ', ' ORDER BY id)
	FROM audit WHERE user_id = ${who.user}`);

describe('setting one up', () => {
	test('none, begun, active; nothing is asked for before a code', async () => {
		const who = somebody();
		const state = async () => (await who.as.get('/auth/factors')).json;
		assert.deepEqual(await state(), { totp: 'none', created_at: null,
			recovery_codes_left: 0, required: false });
		const begun = await who.as.post('/auth/factors/totp', { password });
		assert.equal(begun.status, 201, begun.text);
		const { secret, uri } = begun.json;
		assert.match(secret, /^[A-Z2-7]{32}$/);
		assert.equal(new URL(uri).searchParams.get('secret'), secret);
		assert.equal(new URL(uri).searchParams.get('period'), '30');
		assert.equal((await state()).totp, 'begun');
		assert.equal((await who.first()).status, 200);

		refused(await who.as.post('/auth/factors/totp/confirm',
			{ code: wrong(secret) }));
		assert.equal((await state()).totp, 'begun');
		const on = await who.as.post('/auth/factors/totp/confirm',
			{ code: totp(secret) });
		assert.equal(on.status, 200, on.text);
		assert.equal(new Set(on.json.recovery_codes).size, 10);
		assert.equal((await state()).totp, 'active');
		assert.equal((await state()).recovery_codes_left, 10);
		refused(await who.as.post('/auth/factors/totp', { password }),
			'conflict', 409);
		refused(await who.as.post('/auth/factors/totp/confirm',
			{ code: totp(secret, 1) }), 'conflict', 409);
		assert.match(actions(who),
			/factor.begin, login.ok, factor.refused, factor.enable$/);
	});
	test('wants the password once more', async () => {
		const who = somebody();
		for (const body of [{ password: 'wrong' }, {}]) {
			const answer = await who.as.post('/auth/factors/totp', body);
			assert.equal(answer.status, 422, answer.text);
			assert.match(answer.text, /"password"/);
		}
		assert.equal(sql(house, `SELECT count(*) FROM factor
			WHERE user_id = ${who.user}`), '0');
	});
	test('whoever has no password has signed in just now', async () => {
		const who = somebody();
		const token = (await who.first()).json.tokens.access_token;
		const { as } = who;
		sql(house, `UPDATE app_user SET password_hash = NULL
			WHERE id = ${who.user}; UPDATE session SET created_at = now() -
			interval '20 minutes' WHERE token_hash = sha256('${who.cookie}')`);
		const stale = (answer) => {
			assert.equal(answer.status, 422, answer.text);
			assert.match(answer.text, /"stale_session"/);
		};
		stale(await as.post('/auth/factors/totp', {}));
		assert.match((await as.post('/auth/factors/totp', form({}), html)).text,
			/role="alert">You have no password/);
		// A program has no cookie: it may be one that was let in for less.
		stale(await api.as({ token }).post('/auth/factors/totp', {}));
		sql(house, `UPDATE session SET created_at = now()
			WHERE token_hash = sha256('${who.cookie}')`);
		await enrol(as);
	});
	test('is for who is signed in, on one\'s own pages', async () => {
		assert.equal((await api.get('/auth/factors')).status, 401);
		for (const path of ['totp', 'totp/confirm', 'totp/disable',
			'recovery-codes'])
			assert.equal((await api.post(`/auth/factors/${path}`,
				{ code: '123456' })).status, 401);
		refused(await somebody().as.post('/auth/factors/totp', { password },
			{ 'sec-fetch-site': 'cross-site' }), 'csrf_refused', 403);
	});
	test('without one, what one would turn on, off or renew is 409', async () => {
		const who = somebody();
		for (const path of ['totp/confirm', 'totp/disable', 'recovery-codes'])
			refused(await who.as.post(`/auth/factors/${path}`,
				{ code: '123456' }), 'conflict', 409);
	});
	test('a code that cannot be one is told so', async () => {
		const who = await guarded();
		for (const code of ['', 'x'.repeat(33), 7, undefined]) {
			const answer = await who.as.post('/auth/factors/totp/disable',
				{ code });
			assert.equal(answer.status, 422, answer.text);
			assert.match(answer.text, /"code"/);
		}
	});
	test('neither secret nor codes stand in the database', async () => {
		const who = await guarded(), other = await guarded();
		const row = sql(house, `SELECT f::text FROM factor f
			WHERE user_id = ${who.user}`) + sql(house,
			`SELECT string_agg(c::text, ' ') FROM factor_code c
			WHERE user_id = ${who.user}`);
		assert.ok(!row.includes(base32(who.secret).toString('hex')));
		for (const code of who.codes)
			assert.ok(!row.includes(createHash('sha256').update(code)
				.digest('hex')) && !row.includes(code));
		// Sealed for its place: another's row opens nothing.
		sql(house, `UPDATE factor SET (sealed, wrapped) = (SELECT sealed,
			wrapped FROM factor WHERE user_id = ${who.user})
			WHERE user_id = ${other.user}`);
		assert.equal((await enter(other, totp(who.secret))).status, 500);
	});
	test('ends what did not pass it, and nothing of others', async () => {
		const who = somebody(), other = somebody();
		const before = (await who.first()).json.tokens;
		const away = api.as({ token: before.access_token });
		assert.equal((await away.get('/auth/me')).status, 200);
		await enrol(who.as, password);
		assert.equal((await away.get('/auth/me')).status, 401);
		assert.equal((await api.post('/auth/refresh',
			{ refresh_token: before.refresh_token })).status, 401);
		assert.equal((await who.as.get('/auth/me')).status, 200);
		assert.equal((await other.as.get('/auth/me')).status, 200);
	});
	test('is told to its user by mail', async () => {
		const who = await guarded();
		const [mail] = mailsTo(house, who.email);
		assert.match(mail.subject, /second factor was turned on/);
		assert.ok(!mail.text.includes(who.secret));
	});
});

describe('signing in', () => {
	test('the password begins a second step, which a code ends', async () => {
		const who = await guarded();
		const before = sessions(who.user);
		const token = await step(who);
		assert.equal(sessions(who.user), before);
		// The step's token is no session.
		assert.equal((await api.as({ cookie: token }).get('/auth/me')).status,
			401);
		const done = await second(who, token, totp(who.secret));
		assert.equal(done.status, 200, done.text);
		assert.equal(done.json.profile.email, who.email);
		for (const as of [{ cookie: cookieOf(done) },
			{ token: done.json.tokens.access_token }])
			assert.equal((await api.as(as).get('/auth/me')).json.email,
				who.email);
		refused(await second(who, token, totp(who.secret, 1)),
			'second_step_over');
		assert.match(actions(who), /factor.enable, login.half, login.ok$/);
	});
	test('at the other addresses, too, in their envelopes', async () => {
		const who = await guarded();
		for (const [path, body, headers] of [
			['/login', form({ username: who.email, password,
				client_id: who.client_id }), { accept: 'application/json' }],
			['/api/auth/login', { email: who.email, password,
				client_id: who.client_id }]]) {
			const answer = await api.post(path, body, headers);
			assert.equal(answer.status, 401, answer.text);
			assert.equal(answer.json.code, 'SECOND_FACTOR_REQUIRED');
			assert.match(answer.json.step, /^[\w-]{43}$/);
			assert.equal(cookieOf(answer), undefined);
		}
	});
	test('a wrong password begins nothing', async () => {
		const who = await guarded();
		const answer = await api.post('/auth/sign-in', { email: who.email,
			client_id: who.client_id, password: 'wrong' });
		refused(answer, 'invalid_credentials');
		assert.equal(answer.json.step, undefined);
	});
	test('a code works once, and none before it does', async () => {
		const who = await guarded();
		const code = totp(who.secret, 1);
		assert.equal((await enter(who, `${code.slice(0, 3)} ${code.slice(3)}`))
			.status, 200);
		const token = await step(who);
		for (const old of [code, totp(who.secret), totp(who.secret, -1)])
			refused(await second(who, token, old));
	});
	test('two with the same code at once: one', async () => {
		const who = await guarded();
		const code = totp(who.secret, 1);
		const steps = await Promise.all([1, 2, 3].map(() => step(who)));
		const answers = await Promise.all(steps.map((s) =>
			second(who, s, code)));
		assert.deepEqual(answers.map((a) => a.status).sort(), [200, 401, 401]);
	});
	test('two with one step at once: one', async () => {
		const who = await guarded();
		const token = await step(who);
		const before = sessions(who.user);
		const answers = await Promise.all([totp(who.secret), who.codes[0],
			who.codes[1]].map((code) => second(who, token, code)));
		assert.deepEqual(answers.map((a) => a.status).sort(), [200, 401, 401]);
		assert.equal(sessions(who.user), before + 1);
		// What lost is not used up.
		assert.equal(sql(house, `SELECT count(*) FROM factor_code
			WHERE user_id = ${who.user} AND used_at IS NOT NULL`),
		answers[0].status === 200 ? '0' : '1');
	});
	test('a code of three steps off is wrong', async () => {
		const who = await guarded();
		const token = await step(who);
		for (const n of [-3, 3])
			refused(await second(who, token, totp(who.secret, n)));
		assert.match(actions(who), /login.half, factor.refused, factor.refused$/);
	});
	test('wrong codes lock, by whatever step, and a password does not lift it',
		async () => {
			const who = await guarded();
			for (let i = 0; i < 5; i++)
				refused(await enter(who, wrong(who.secret)));
			sql(house, `UPDATE factor SET locked_until = now() +
				interval '5 minutes' WHERE user_id = ${who.user}
				AND locked_until > now()`);
			const answer = await enter(who, totp(who.secret, 1));
			refused(answer, 'rate_limited', 429);
			assert.ok(Number(answer.headers['retry-after']) > 290);
			refused(await enter(who, who.codes[0]), 'rate_limited', 429);
			refused(await who.as.post('/auth/factors/totp/disable',
				{ code: totp(who.secret, 1) }), 'rate_limited', 429);
			unlock(who);
			assert.equal((await enter(who, totp(who.secret, 1))).status, 200);
		});
	test('of many tries at once no more than five are looked at', async () => {
		const who = await guarded();
		const token = await step(who);
		const answers = await Promise.all(Array.from({ length: 12 }, () =>
			second(who, token, wrong(who.secret))));
		const looked = answers.filter((a) => a.status === 401).length;
		assert.equal(looked, 5);
		assert.equal(answers.length - looked,
			answers.filter((a) => a.status === 429).length);
	});
	test('a written code works once, however it is typed', async () => {
		const who = await guarded();
		const [one, two] = who.codes;
		assert.equal((await enter(who, one)).status, 200);
		refused(await enter(who, one));
		assert.equal((await enter(who, two.toLowerCase().replaceAll('-', ' ')))
			.status, 200);
		assert.equal((await who.as.get('/auth/factors')).json
			.recovery_codes_left, 8);
		assert.match(actions(who), /login.ok \(recovery code\)$/);
	});
	test('new written codes void the old ones', async () => {
		const who = await guarded();
		const answer = await who.as.post('/auth/factors/recovery-codes',
			{ code: totp(who.secret) });
		assert.equal(answer.json.recovery_codes.length, 10);
		refused(await enter(who, who.codes[0]));
		assert.equal((await enter(who, answer.json.recovery_codes[0])).status,
			200);
	});
	test('neither codes nor steps of others are any good', async () => {
		const who = await guarded(), other = await guarded();
		refused(await enter(who, other.codes[0]));
		const token = await step(who);
		refused(await second(other, token, totp(who.secret)),
			'second_step_over');
		refused(await second(other, token, totp(other.secret)),
			'second_step_over');
		refused(await api.post('/auth/second-factor', { step: token,
			code: totp(other.secret) }));
		assert.equal((await second(who, token, totp(who.secret))).status, 200);
	});
	test('a step that is invented, too old, or of an old password is over',
		async () => {
			const who = await guarded();
			refused(await second(who, 'A'.repeat(43), totp(who.secret)),
				'second_step_over');
			refused(await second(who, 'short', totp(who.secret)),
				'second_step_over');
			refused(await api.post('/auth/second-factor',
				{ code: totp(who.secret) }), 'second_step_over');
			const old = await step(who);
			sql(house, `UPDATE half_sign_in SET expires_at = now()
				WHERE user_id = ${who.user}`);
			refused(await second(who, old, totp(who.secret)),
				'second_step_over');
			const cut = await step(who);
			sql(house, `UPDATE app_user SET password_hash = password_hash || ''
				WHERE id = ${who.user}`);
			sql(house, `UPDATE app_user SET password_hash = 'x'
				WHERE id = ${who.user}`);
			refused(await second(who, cut, totp(who.secret)),
				'second_step_over');
		});
	test('whoever is switched off, or demoted, between the steps is', async () => {
		const who = await guarded({ role: 'owner' });
		const token = await step(who);
		sql(house, `UPDATE membership SET role = 'viewer'
			WHERE user_id = ${who.user}`);
		const done = await second(who, token, totp(who.secret));
		assert.equal(done.json.profile.active_membership.role, 'viewer');
		const again = await step(who);
		sql(house, `UPDATE app_user SET is_active = false
			WHERE id = ${who.user}`);
		refused(await second(who, again, totp(who.secret, 1)),
			'second_step_over');
	});
	test('turned off, the password is enough', async () => {
		const who = await guarded();
		refused(await who.as.post('/auth/factors/totp/disable',
			{ code: wrong(who.secret) }));
		assert.equal((await who.as.post('/auth/factors/totp/disable',
			{ code: totp(who.secret) })).status, 204);
		assert.equal((await who.first()).status, 200);
		assert.equal(sql(house, `SELECT count(*) FROM factor_code
			WHERE user_id = ${who.user}`), '0');
	});
	test('no way in makes a session without it', async () => {
		const who = await guarded();
		const before = sessions(who.user);
		assert.equal(sql(house, `SELECT session_open(${who.user},
			sha256('${who.user}'), 60, 60, NULL)`, house.database_auth), '0');
		assert.equal(sessions(who.user), before);
		assert.throws(() => sql(house, `INSERT INTO session (application_id,
			user_id, token_hash, idle_seconds, expires_at) VALUES
			(${who.p.application}, ${who.user}, sha256('x'), 60, now())`),
		/second factor is needed/);
	});
});

describe('mailed links', () => {
	/** Its form's POST. */
	const follow = (path, email, more = {}) => api.post(path,
		{ token: tokenTo(house, email), ...more });
	const ask = (who, path) => api.post(path,
		{ email: who.email, client_id: who.client_id });

	test('one that signs in leads to the same second step', async () => {
		const who = await guarded();
		const before = sessions(who.user);
		await ask(who, '/auth/send-magic-link');
		const token = half(await follow('/auth/sign-in-with-token', who.email));
		assert.equal(sessions(who.user), before);
		refused(await follow('/auth/sign-in-with-token', who.email),
			'invalid_token');
		const done = await second(who, token, totp(who.secret));
		assert.equal(done.status, 200, done.text);
		assert.equal(done.json.profile.email, who.email);
	});
	test('so does its page', async () => {
		const who = await guarded();
		await ask(who, '/auth/send-magic-link');
		const answer = await api.post('/auth/sign-in-with-token',
			form({ token: tokenTo(house, who.email) }), html);
		assert.equal(answer.status, 302);
		assert.equal(answer.headers.location, '/auth/second-factor');
		assert.equal(cookieOf(answer), undefined);
		const token = setCookie(answer, 'step');
		const done = await api.post('/auth/second-factor',
			form({ code: totp(who.secret) }), { ...html, cookie: `step=${token}` });
		assert.equal(done.headers.location, '/dashboard');
		assert.equal((await api.as({ cookie: setCookie(done, 'session') })
			.get('/auth/me')).json.email, who.email);
	});
	test('a new password by mail leaves the factor, and its lock', async () => {
		const who = await guarded();
		for (let i = 0; i < 5; i++)
			await enter(who, wrong(who.secret));
		sql(house, `UPDATE factor SET locked_until = now() + interval '1 hour'
			WHERE user_id = ${who.user}`);
		await ask(who, '/auth/send-password-reset');
		const mine = 'correct horse battery';
		assert.equal((await follow('/auth/reset-password', who.email,
			{ password: mine })).status, 200);
		assert.equal(sessions(who.user), 0);
		const token = half(await api.post('/auth/sign-in',
			{ email: who.email, client_id: who.client_id, password: mine }));
		refused(await second(who, token, totp(who.secret)),
			'rate_limited', 429);
		unlock(who);
		assert.equal((await second(who, token, totp(who.secret))).status, 200);
	});
	test('an invitation is accepted, and the second step asked for', async () => {
		const who = await guarded();
		const before = sessions(who.user);
		const { p } = who;
		const other = api.as({ cookie: p.stranger.cookie });
		assert.equal((await other.post(`/api/accounts/${p.other}/invite`,
			{ email: who.email })).status, 201);
		const token = half(await follow('/auth/accept-invite', who.email));
		assert.equal(sessions(who.user), before);
		assert.equal(sql(house, `SELECT role FROM membership
			WHERE user_id = ${who.user} AND account_id = ${p.other}`), 'member');
		const done = await second(who, token, totp(who.secret));
		assert.equal(done.json.profile.memberships.length, 2);
	});
	test('whoever has none signs in by one as before', async () => {
		const who = somebody();
		await ask(who, '/auth/send-magic-link');
		assert.equal((await follow('/auth/sign-in-with-token', who.email))
			.status, 200);
	});
});

describe('what is granted in a session that has passed', () => {
	const uri = 'https://client.example/cb';
	const granted = async (who, scope) => {
		const { id } = clientRow(house, { application: who.p.application,
			id: `cid_${randomBytes(8).toString('hex')}`, uris: [uri] });
		const { verifier, challenge } = pkce();
		const page = await who.as.get(`/oauth2/authorize?${form({ scope,
			response_type: 'code', client_id: id, redirect_uri: uri,
			code_challenge: challenge, code_challenge_method: 'S256' })}`);
		assert.equal(page.status, 200, page.text);
		const { action, fields } = formOf(page.text);
		const { code } = back(await who.as.post(action,
			form({ ...fields, decision: 'allow' })), uri);
		return { id, ask: { grant_type: 'authorization_code', code,
			client_id: id, redirect_uri: uri, code_verifier: verifier } };
	};
	const token = async (fields) => {
		const answer = await api.post('/oauth2/token', form(fields));
		assert.equal(answer.status, 200, answer.text);
		return answer.json;
	};
	const works = async (bearer) => assert.equal((await api.as({ token: bearer })
		.get('/oauth2/userinfo')).status, 200);

	test('a code, and what renews it when its session is long over', async () => {
		const who = await guarded();
		const { id, ask } = await granted(who, 'openid offline_access');
		const one = await token(ask);
		await works(one.access_token);
		sql(house, `UPDATE session SET expires_at = now() WHERE id IN (SELECT
			session_id FROM refresh_family WHERE client = '${id}')`);
		const two = await token({ grant_type: 'refresh_token', client_id: id,
			refresh_token: one.refresh_token });
		await works(two.access_token);
		sql(house, `DELETE FROM session WHERE id IN (SELECT session_id
			FROM refresh_family WHERE client = '${id}')`);
		const three = await token({ grant_type: 'refresh_token', client_id: id,
			refresh_token: two.refresh_token });
		await works(three.access_token);
		assert.equal(sql(house, `SELECT bool_and(s.second_factor) FROM session s
			JOIN refresh_family f ON f.session_id = s.id
			WHERE f.client = '${id}'`), 't');
	});
	test('a device', async () => {
		const who = await guarded();
		const { id } = clientRow(house, { application: who.p.application,
			id: `cid_${randomBytes(8).toString('hex')}` });
		const { device_code, user_code } = (await api.post(
			'/oauth2/device_authorization', form({ client_id: id,
				scope: 'openid' }))).json;
		const page = await who.as.get(`/oauth2/device?${form({ user_code })}`);
		const { action, fields } = formOf(page.text);
		const said = await who.as.post(action,
			form({ ...fields, user_code, decision: 'approve' }));
		assert.equal(said.status, 200, said.text);
		const one = await token({ client_id: id, device_code,
			grant_type: 'urn:ietf:params:oauth:grant-type:device_code' });
		await works(one.access_token);
	});
	test('a token of a sign-in is refreshed and exchanged', async () => {
		const who = await guarded();
		const { tokens } = (await enter(who, totp(who.secret))).json;
		const next = await api.post('/auth/refresh',
			{ refresh_token: tokens.refresh_token });
		assert.equal(next.status, 200, next.text);
		const type = 'urn:ietf:params:oauth:token-type:access_token';
		const other = await token({ subject_token: next.json.access_token,
			subject_token_type: type, client_id: who.client_id,
			grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' });
		await works(other.access_token);
	});
	test('a code of before it was turned on is worth nothing', async () => {
		const who = somebody();
		const cookie = cookieOf(await who.first());
		const old = await granted({ ...who, as: api.as({ cookie }) },
			'openid offline_access');
		const away = await token((await granted(who, 'openid offline_access'))
			.ask);
		await enrol(who.as, password);
		const answer = await api.post('/oauth2/token', form(old.ask));
		assert.equal(answer.json.error, 'invalid_grant');
		assert.equal((await api.as({ token: away.access_token })
			.get('/oauth2/userinfo')).status, 401);
	});
});

describe('the pages', () => {
	const browser = (who) => ({
		get: (path) => who.as.get(path, html),
		post: (path, fields) => who.as.post(path, form(fields), html),
	});

	test('the sign-in page leads to one for the code, and on', async () => {
		const who = await guarded();
		const next = '/dashboard?x=1';
		const entered = await api.post('/auth/login', form({ password, next,
			username: who.email, client_id: who.client_id }), html);
		assert.equal(entered.status, 302);
		assert.equal(cookieOf(entered), undefined);
		assert.match(entered.headers['set-cookie'][0],
			/^step=[\w-]{43}; Path=\/auth\/second-factor; HttpOnly; SameSite=Strict; Max-Age=600/);
		const cookie = `step=${setCookie(entered, 'step')}`;
		const page = await api.get(entered.headers.location,
			{ ...html, cookie });
		assert.match(page.text, /<label for="code">/);
		assert.match(page.text, /autocomplete="one-time-code"/);
		assert.ok(!page.text.includes(setCookie(entered, 'step')));
		const { action, fields } = formOf(page.text);
		const send = (code, headers = {}) => api.post(action,
			form({ ...fields, code }), { ...html, cookie, ...headers });
		const bad = await send(wrong(who.secret));
		assert.equal(bad.status, 302);
		const again = await api.get(bad.headers.location, { ...html, cookie });
		assert.match(again.text, /role="alert">The code is wrong/);
		assert.equal((await send(totp(who.secret),
			{ 'sec-fetch-site': 'cross-site' })).status, 403);
		const done = await send(totp(who.secret));
		assert.equal(done.status, 302);
		assert.equal(done.headers.location, next);
		assert.equal(setCookie(done, 'step'), '');
		assert.equal((await api.as({ cookie: setCookie(done, 'session') })
			.get('/auth/me')).json.email, who.email);
		// The step is over: its page says so, and leads back.
		const over = await send(totp(who.secret, 1));
		const last = await api.get(over.headers.location, html);
		assert.match(last.text, /href="\/login\?next=%2Fdashboard/);
	});
	test('a client is granted by who comes through both', async () => {
		const who = await guarded();
		const uri = 'https://client.example/cb';
		const { id } = clientRow(house, { application: who.p.application,
			id: `cid_${randomBytes(8).toString('hex')}`, uris: [uri] });
		const { verifier, challenge } = pkce();
		const asked = await api.get(`/oauth2/authorize?${form({
			response_type: 'code', client_id: id, redirect_uri: uri,
			scope: 'openid', code_challenge: challenge,
			code_challenge_method: 'S256' })}`, html);
		const first = formOf((await api.get(asked.headers.location)).text);
		const entered = await api.post(first.action, form({ ...first.fields,
			username: who.email, password }), html);
		const cookie = `step=${setCookie(entered, 'step')}`;
		const page = await api.get(entered.headers.location,
			{ ...html, cookie });
		// A browser holds the redirect behind it against the form's policy.
		assert.match(page.headers['content-security-policy'],
			/form-action 'self' https:\/\/client.example;/);
		const code = formOf(page.text);
		const done = await api.post(code.action, form({ ...code.fields,
			code: totp(who.secret) }), { ...html, cookie });
		assert.match(done.headers.location, /^\/oauth2\/authorize\?/);
		const as = api.as({ cookie: setCookie(done, 'session') });
		const consent = formOf((await as.get(done.headers.location)).text);
		const got = back(await as.post(consent.action, form({
			...consent.fields, decision: 'allow' })), uri);
		const tokens = await api.post('/oauth2/token', form({ code: got.code,
			grant_type: 'authorization_code', client_id: id,
			redirect_uri: uri, code_verifier: verifier }));
		assert.equal(tokens.status, 200, tokens.text);
	});
	test('too many codes: a page with 429', async () => {
		const who = await guarded();
		const cookie = `step=${await step(who)}`;
		sql(house, `UPDATE factor SET locked_until = now() + interval '1 hour'
			WHERE user_id = ${who.user}`);
		const answer = await api.post('/auth/second-factor',
			form({ code: '123456', client_id: who.client_id }),
			{ ...html, cookie });
		assert.equal(answer.status, 429);
		assert.match(answer.text, /role="alert">Too many/);
		assert.ok(Number(answer.headers['retry-after']) > 3500);
	});
	test('one\'s own: set up, renewed and turned off by forms', async () => {
		const who = somebody();
		const { get, post } = browser(who);
		const page = await get('/auth/factors/page');
		assert.match(page.text, /role="status">You have none/);
		const bad = await post('/auth/factors/totp', { password: 'wrong' });
		assert.match(bad.text, /role="alert">This is not your password/);
		const begun = await post('/auth/factors/totp', { password });
		const secret = /<code>([A-Z2-7 ]{39})<\/code>/.exec(begun.text)[1]
			.replaceAll(' ', '');
		assert.ok(begun.text.includes(`secret=${secret}&amp;`));
		const again = await post('/auth/factors/totp/confirm',
			{ code: wrong(secret) });
		assert.match(again.text, /role="alert">The code is wrong/);
		assert.ok(!again.text.includes(secret));
		const on = await post('/auth/factors/totp/confirm',
			{ code: totp(secret, -1) });
		assert.equal(on.text.match(/<li><code>/g).length, 10);
		const fresh = await post('/auth/factors/recovery-codes',
			{ code: totp(secret) });
		assert.equal(fresh.text.match(/<li><code>/g).length, 10);
		assert.match((await get('/auth/factors/page')).text,
			/role="status">It is on. You have 10 recovery codes/);
		const off = await post('/auth/factors/totp/disable',
			{ code: /<li><code>([^<]*)/.exec(fresh.text)[1] });
		assert.match(off.text, /role="status">You have none/);
		assert.match((await get('/auth/factors/page')).text, /You have none/);
	});
	test('nobody is sent to sign in first', async () => {
		const answer = await api.get('/auth/factors/page', html);
		assert.equal(answer.headers.location,
			'/login?next=%2Fauth%2Ffactors%2Fpage');
	});
});

describe('an operator', () => {
	test('removes a lost one', async () => {
		const who = await guarded();
		const words = ['user', 'remove-factor', '--application',
			String(who.p.application), who.email];
		well(house, words);
		assert.equal((await who.as.get('/auth/me')).status, 401);
		assert.equal((await who.first()).status, 200);
		assert.match(actions({ user: 0, ...who }), /login.ok$/);
		assert.equal(sql(house, `SELECT count(*) FROM audit WHERE
			action = 'factor.remove' AND subject = 'uid_${who.user}'`), '1');
		const { status, err } = ctl(house, words);
		assert.notEqual(status, 0);
		assert.match(err, /there is no second factor/);
	});
	test('gets tokens for who has one', async () => {
		const who = await guarded();
		const token = well(house, ['token', 'mint', '--application',
			String(who.p.application), who.email]);
		assert.equal((await api.as({ token }).get('/auth/me')).status, 200);
	});
});

describe('those who must have one', () => {
	let strict, door, p;

	before(async () => {
		strict = await stack({ own: true,
			set: ['second_factor = owners'] });
		door = client(strict);
		p = people(strict);
	});
	after(async () => {
		await strict?.end();
	});
	const as = (who) => door.as({ cookie: who.cookie });
	const emails = () => `/api/accounts/${p.account}/emails`;

	test('can only set one up', async () => {
		for (const who of [p.owner, p.admin]) {
			for (const path of [emails(), '/api/accounts',
				`/api/accounts/${p.account}/members`])
				refused(await as(who).get(path),
					'second_factor_enrolment_required', 403);
			assert.equal((await as(who).get('/auth/me')).status, 200);
			assert.equal((await as(who).get('/auth/factors')).json.required,
				true);
			assert.equal((await as(who).post('/oauth2/authorize', form({})))
				.status, 403);
			const led = await as(who).get('/dashboard', html);
			assert.equal(led.status, 302);
			assert.equal(led.headers.location,
				'/auth/factors/page?next=%2Fdashboard');
			assert.match((await as(who).get('/auth/factors/page', html)).text,
				/can do nothing else/);
		}
		const minted = await as(p.owner).post(
			`/api/accounts/${p.account}/token`, {});
		refused(minted, 'second_factor_enrolment_required', 403);
	});
	test('are led back from there into what they were at', async () => {
		const db = psql(strict);
		const who = await another(db, p, 'owner');
		db.end();
		sql(strict, `UPDATE app_user SET password_hash = (SELECT password_hash
			FROM app_user WHERE email = 'demo@c-imap.local')
			WHERE id = ${who.user}`);
		const { id } = clientRow(strict, { id: `cid_${who.user}`,
			application: p.application, uris: ['https://app.test/back'] });
		const wish = `/oauth2/authorize?${form({ response_type: 'code',
			client_id: id, redirect_uri: 'https://app.test/back',
			scope: 'openid', state: 'st 1', code_challenge_method: 'S256',
			code_challenge: 'a'.repeat(43) })}`;
		const led = await as(who).get(wish, html);
		assert.equal(led.status, 302);
		const there = led.headers.location;
		assert.equal(new URL(there, strict.url).searchParams.get('next'), wish);
		/* As a browser does with the form of each page. */
		const send = async (page, values) => {
			const { action, fields } = formOf(page);
			assert.equal(fields.next, wish);
			const answer = await as(who).post(action,
				form({ ...values, ...fields }), html);
			assert.equal(answer.status, 200, answer.text);
			return answer.text;
		};
		const shown = await send((await as(who).get(there, html)).text,
			{ password });
		const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(shown)[1]
			.replaceAll(' ', '');
		/* A code that is wrong does not lead astray. */
		const again = await send(shown, { code: '000000' });
		const codes = await send(again, { code: totp(secret) });
		const on = /<a href="([^"]+)">Go on<\/a>/.exec(codes)[1]
			.replaceAll('&amp;', '&');
		assert.equal(on, wish);
		const consent = await as(who).get(on, html);
		assert.equal(consent.status, 200);
		assert.match(consent.text, /name="decision" value="allow"/);
	});
	test('are led to no other place', async () => {
		for (const next of ['https://evil.test/', '//evil.test',
			'/\\evil.test', 'javascript:alert(1)'])
			assert.doesNotMatch((await as(p.owner).get(
				`/auth/factors/page?${form({ next })}`, html)).text,
			/evil|alert\(/, next);
	});
	test('then do everything, and cannot turn it off', async () => {
		const { secret } = await enrol(as(p.owner));
		assert.equal((await as(p.owner).get(emails())).status, 200);
		refused(await as(p.owner).post('/auth/factors/totp/disable',
			{ code: totp(secret) }), 'forbidden', 403);
	});
	test('whoever becomes an owner is one of them within a second', async () => {
		assert.equal((await as(p.member).get(emails())).status, 200);
		sql(strict, `UPDATE membership SET role = 'owner'
			WHERE user_id = ${p.member.user}`);
		for (const end = Date.now() + 1500; ;) {
			const answer = await as(p.member).get(emails());
			if (answer.status === 403)
				break;
			assert.ok(Date.now() < end, answer.text);
		}
	});
	test('others need none', async () => {
		assert.equal((await as(p.viewer).get(emails())).status, 200);
	});
});
