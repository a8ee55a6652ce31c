// An issuer of somebody else's: oidc-provider behind a server that counts how
// often its key set is fetched, and can be broken.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import Provider from 'oidc-provider';

/** A private key as a JWK; alg RS256 or EdDSA. */
export function issuerKey(kid, alg = 'RS256') {
	const { privateKey } = alg === 'RS256'
		? generateKeyPairSync('rsa', { modulusLength: 2048 })
		: generateKeyPairSync('ed25519');
	return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

const secret = 's'.repeat(32);

/**
 * { name, keysUrl, fetches, fault, claims, rotate(keys), token(claims, how) }.
 * `fault`, where it is set, answers for the key set: (request, answer).
 */
export async function issuer(audience, keys) {
	const server = http.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const name = `http://127.0.0.1:${server.address().port}`;
	const it = { name, keysUrl: `${name}/jwks`, fetches: 0, fault: null,
		claims: {}, alg: 'RS256', audience };
	let handle;

	/* Its keys are these from now on; the first of an algorithm signs. */
	it.rotate = (list) => {
		const provider = new Provider(name, {
			jwks: { keys: list },
			cookies: { keys: [secret] },
			clients: [{ client_id: 'robot', client_secret: secret,
				grant_types: ['client_credentials'],
				redirect_uris: [], response_types: [] }],
			ttl: { ClientCredentials: 600 },
			extraTokenClaims: () => it.claims,
			features: {
				devInteractions: { enabled: false },
				clientCredentials: { enabled: true },
				resourceIndicators: {
					enabled: true,
					defaultResource: () => 'urn:api',
					getResourceServerInfo: () => ({
						scope: '', audience: it.audience,
						accessTokenFormat: 'jwt', accessTokenTTL: 600,
						jwt: { sign: { alg: it.alg } },
					}),
				},
			},
		});
		handle = provider.callback();
	};
	it.rotate(keys);

	server.on('request', (request, answer) => {
		if (request.url.startsWith('/jwks')) {
			it.fetches++;
			if (it.fault)
				return it.fault(request, answer);
		}
		return handle(request, answer);
	});

	/** A token with these claims beside the usual. */
	it.token = async (claims = {}, how = {}) => {
		Object.assign(it, { claims, alg: 'RS256', audience }, how);
		const answer = await fetch(`${name}/token`, {
			method: 'POST',
			headers: { authorization: `Basic ${
				Buffer.from(`robot:${secret}`).toString('base64')}` },
			body: new URLSearchParams({ grant_type: 'client_credentials' }),
		});
		const { access_token: token, ...rest } = await answer.json();
		if (!token)
			throw new Error(JSON.stringify(rest));
		return token;
	};
	it.end = () => {
		server.closeAllConnections();
		server.close();
	};
	return it;
}
