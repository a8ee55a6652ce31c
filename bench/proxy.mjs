// A TCP proxy that writes down what an IMAP client says: for the commands
// themselves, and for counting how often the client waited for the server.
import net from 'node:net';

/** { port, turns, commands, forget, end } in front of `target` on loopback. */
export async function proxy(target) {
	const log = []; // { client: bool, text } in order
	const sockets = new Set();
	const server = net.createServer((client) => {
		const upstream = net.connect(target, '127.0.0.1');
		const tie = (from, to, isClient) => {
			sockets.add(from);
			from.on('data', (data) => {
				log.push({ client: isClient,
					text: isClient ? data.toString('latin1') : '' });
				to.write(data);
			});
			from.on('end', () => to.end());
			from.on('error', () => to.destroy());
			from.on('close', () => sockets.delete(from));
		};
		tie(client, upstream, true);
		tie(upstream, client, false);
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	return {
		port: server.address().port,
		/** The client's writes, those together that no answer came between. */
		turns() {
			const turns = [];
			let was = false;
			for (const { client, text } of log) {
				if (client && was)
					turns.push(turns.pop() + text);
				else if (client)
					turns.push(text);
				was = client;
			}
			return turns;
		},
		/** The client's commands without their tags. */
		commands() {
			return log.filter((part) => part.client)
				.map((part) => part.text).join('').split('\r\n')
				.map((line) => line.replace(/^\S+ /, ''))
				.filter(Boolean);
		},
		forget() {
			log.length = 0;
		},
		end() {
			for (const socket of sockets)
				socket.destroy();
			return new Promise((done) => server.close(done));
		},
	};
}
