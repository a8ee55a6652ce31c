// A client of an SMTP server that says just what it is told, byte for byte.
//
//	const c = await dial(house.smtpd_port);      // { code, text, lines } = c.greeting
//	await c.ask('EHLO x');                       // a line, and its reply
//	await c.secure({ ca });                      // STARTTLS, and EHLO
//	await c.plain('demo@c-imap.local', 'demo123');
//	c.write('MAIL FROM:<a@b>\r\nRCPT …');        // bytes, as they stand
//	await c.reply(); await c.closed();
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

const PATIENCE_MS = 90000;

class Client {
	#socket;
	#text = '';
	#ended = false;
	#waiting = [];

	constructor(socket) {
		this.#take(socket);
	}

	#take(socket) {
		this.#socket = socket;
		socket.on('data', (piece) => {
			this.#text += piece.toString('latin1');
			this.#wake();
		});
		socket.on('error', () => {});
		socket.on('close', () => {
			this.#ended = true;
			this.#wake();
		});
	}

	#wake() {
		for (const wake of this.#waiting.splice(0))
			wake();
	}

	/** Until `test()` gives something, or patience is at its end. */
	async #until(test, what) {
		const limit = Date.now() + PATIENCE_MS;
		for (;;) {
			const found = test();
			if (found !== undefined)
				return found;
			assert.ok(Date.now() < limit, `no ${what}; so far: ${this.#text}`);
			await new Promise((resolve) => {
				const timer = setTimeout(resolve, limit - Date.now());
				this.#waiting.push(() => {
					clearTimeout(timer);
					resolve();
				});
			});
		}
	}

	/** The next reply; { code: 0 } where the connection has ended instead. */
	reply() {
		return this.#until(() => {
			const whole = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.#text);
			if (!whole)
				return this.#ended ? { code: 0, text: this.#text, lines: [] }
					: undefined;
			this.#text = this.#text.slice(whole[0].length);
			const lines = whole[0].split('\r\n').slice(0, -1);
			return { code: Number(lines[0].slice(0, 3)), text: whole[0],
				lines: lines.map((line) => line.slice(4)) };
		}, 'reply');
	}

	write(bytes) {
		this.#socket.write(typeof bytes === 'string'
			? Buffer.from(bytes, 'utf8') : bytes);
	}

	/** The same; over when the socket has room for more. */
	drain(bytes) {
		return new Promise((resolve) => {
			this.#socket.write(bytes, resolve);
		});
	}

	ask(line) {
		this.write(`${line}\r\n`);
		return this.reply();
	}

	/** Everything that still comes, when the server has closed. */
	closed() {
		return this.#until(() => this.#ended ? this.#text : undefined, 'end');
	}

	/** What came and was not asked for. */
	get rest() {
		return this.#text;
	}

	async secure(options = {}, ehlo = true) {
		const { code, text } = await this.ask('STARTTLS');
		assert.equal(code, 220, text);
		await this.shake(options);
		return ehlo ? this.ask('EHLO test') : undefined;
	}

	/** The handshake alone. */
	async shake(options = {}) {
		const plain = this.#socket;
		plain.removeAllListeners('data');
		plain.removeAllListeners('close');
		const secure = tls.connect({ socket: plain, servername: 'localhost',
			rejectUnauthorized: options.ca !== undefined, ...options });
		const failed = once(secure, 'error').then(([e]) => { throw e; });
		await Promise.race([once(secure, 'secureConnect'), failed]);
		failed.catch(() => {});
		this.#take(secure);
		return secure;
	}

	plain(user, password) {
		return this.ask(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`)
			.toString('base64')}`);
	}

	/** One message: the replies to MAIL, each RCPT, DATA (where asked), the
	 *  message. */
	async send(from, to, bytes) {
		const replies = [await this.ask(`MAIL FROM:<${from}>`)];
		for (const one of [to].flat())
			replies.push(await this.ask(`RCPT TO:<${one}>`));
		replies.push(await this.ask('DATA'));
		if (replies.at(-1).code !== 354)
			return replies;
		this.write(dotted(bytes));
		replies.push(await this.reply());
		return replies;
	}

	end() {
		this.#socket.end();
	}

	destroy() {
		this.#socket.destroy();
	}

	/** No more is read: what the server says piles up. */
	pause() {
		this.#socket.pause();
	}
}

/** As it goes behind DATA. */
export function dotted(bytes) {
	const text = Buffer.from(bytes).toString('latin1').replace(/^\./gm, '..');
	return Buffer.from(`${text}${text.endsWith('\r\n') ? '' : '\r\n'}.\r\n`,
		'latin1');
}

export async function dial(port, host = '127.0.0.1', from = undefined) {
	const socket = net.connect({ port: Number(port), host,
		localAddress: from });
	await once(socket, 'connect');
	const client = new Client(socket);
	client.greeting = await client.reply();
	return client;
}

/** Signed in, in the clear, which loopback may. */
export async function signedOn(port, user, password) {
	const c = await dial(port);
	await c.ask('EHLO test');
	const { code, text } = await c.plain(user, password);
	assert.equal(code, 235, text);
	return c;
}

async function freePort() {
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

/** A proxy of one's own beside the house's: { port, child, end(), ended }. `set`:
 *  options, which win over the house's. */
export async function proxy(house, set = {}) {
	const port = await freePort();
	const env = { PATH: process.env.PATH, LETTERRACK_CONF: house.conf,
		LETTERRACK_SMTP_LISTEN: `127.0.0.1:${port}` };
	for (const [name, value] of Object.entries(set))
		env[`LETTERRACK_${name.toUpperCase()}`] = String(value);
	const child = spawn('setpriv', [`--reuid=${house.user}`,
		`--regid=${house.user}`, '--clear-groups', '--',
		`${house.prefix}/bin/letterrack-smtpd`], { env,
		stdio: ['ignore', 'ignore', 'pipe'] });
	let err = '';
	const listens = new Promise((resolve, reject) => {
		child.stderr.on('data', (piece) => {
			err += piece;
			if (err.includes('listens'))
				resolve();
		});
		child.on('close', () => reject(new Error(`it ended: ${err}`)));
	});
	const ended = once(child, 'close').then(([status, signal]) =>
		({ status, signal, err }));
	await listens;
	return { port, child, ended, log: () => err,
		end() {
			child.kill('SIGTERM');
			return ended;
		} };
}
