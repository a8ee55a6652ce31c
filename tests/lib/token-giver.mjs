// A giver of OAuth2 tokens for mail accounts, as strict as any.
//
//	const giver = await giveTokens();
//	giver.refresh.set('first', 'anna');  // a refresh token, and whose it is
//	giver.open                           // access tokens that are good
//	giver.asked                          // the forms that came
//	giver.answer = [503, 'ill'];         // instead of what it would say
import { once } from 'node:events';
import http from 'node:http';

/** A giver of tokens. Each new refresh token ends the one before the last: as
 *  long as the new one was not used, the old one is good. */
export async function giveTokens() {
	const g = { asked: [], open: new Set(), refresh: new Map(), n: 0,
		answer: null, life: 3600, more: {} };
	const server = http.createServer(async (request, reply) => {
		let body = '';
		for await (const piece of request)
			body += piece;
		const form = new URLSearchParams(body);
		g.asked.push(form);
		const say = (status, json) => {
			reply.writeHead(status, { 'content-type': 'application/json' });
			reply.end(typeof json === 'string' ? json : JSON.stringify(json));
		};
		if (g.answer)
			return say(...g.answer);
		const whose = g.refresh.get(form.get('refresh_token'));
		if (form.get('client_id') !== 'cid' ||
			form.get('client_secret') !== 'se+cr&et')
			return say(401, { error: 'invalid_client' });
		if (!whose)
			return say(400, { error: 'invalid_grant' });
		for (const [token, of] of g.refresh)
			if (of === whose && token !== form.get('refresh_token'))
				g.refresh.delete(token);
		const access = `access-${++g.n}`, refresh = `refresh-${g.n}`;
		g.open.add(access);
		g.refresh.set(refresh, whose);
		return say(200, { access_token: access, token_type: 'Bearer',
			expires_in: g.life, refresh_token: refresh, ...g.more });
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	return Object.assign(g, { url: `http://127.0.0.1:${server.address().port}/`,
		end: () => new Promise((done) => {
			server.closeAllConnections();
			server.close(done);
		}) });
}
