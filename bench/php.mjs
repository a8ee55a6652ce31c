// PHP-FPM beside the responders, behind a server of the same nginx with the
// same settings: what one would otherwise take for such an endpoint.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { statement } from './load.mjs';
import { until } from './measure.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));

export function phpProgram() {
	const name = readdirSync('/usr/sbin').filter((n) =>
		/^php-fpm[\d.]+$/.test(n)).sort().pop();
	return name && `/usr/sbin/${name}`;
}

const pool = (house, socket, workers) => `[global]
error_log = ${house.logs}/php-fpm.log
daemonize = no
[bench]
user = ${house.user}
group = ${house.user}
listen = ${socket}
listen.owner = ${house.user}
listen.backlog = 1024
pm = static
pm.max_children = ${workers}
php_admin_value[opcache.enable] = 1
php_admin_value[opcache.validate_timestamps] = 0
`;

const settings = (who) => ['search_path=letterrack', 'timezone=UTC',
	'plan_cache_mode=force_generic_plan', `letterrack.account=${who.account}`,
	`letterrack.user=${who.owner.user}`].map((s) => `-c ${s}`).join(' ');

const server = (house, socket, port, who, script) => `upstream php {
	server unix:${socket} max_fails=0;
}
server {
	listen 127.0.0.1:${port} backlog=1024;
	set $lr_door main;
	include ${top}nginx/door.conf;
	fastcgi_param SCRIPT_FILENAME ${top}bench/${script};
	fastcgi_param QUERY_STRING    $query_string;
	# PHP resets a kept connection to what it was opened with.
	fastcgi_param BENCH_DSN       "${house.database_owner} options='${
		settings(who)}'";
	fastcgi_param BENCH_SQL       ${house.state}/list.sql;
	fastcgi_param BENCH_ACCOUNT   ${who.account};
	location = /list {
		fastcgi_pass php;
	}
}
`;

/**
 * { url, pid, end }; answers /list?cursor=… once nginx is started anew, with a
 * script of this directory and the statement that it runs. The port is the one
 * behind those that the house has taken.
 */
export async function php(house, who, workers, script = 'list.php',
	text = statement('email', 'email_list', ['$1', '$2', '$3', '$4', '$5'])) {
	const socket = `${house.run}/fcgi/php.sock`;
	const port = Number(new URL(house.url).port) + 7;
	const conf = `${house.state}/php-fpm.conf`;
	writeFileSync(`${house.state}/list.sql`, text);
	writeFileSync(conf, pool(house, socket, workers));
	writeFileSync(`${house.state}/etc/proxies-php.conf`,
		server(house, socket, port, who, script));
	const child = spawn(phpProgram(), ['-y', conf], { stdio: 'ignore' });
	await until('PHP-FPM listens', () => existsSync(socket));
	return {
		pid: child.pid,
		url: `http://127.0.0.1:${port}`,
		async end() {
			const exit = once(child, 'exit');
			child.kill('SIGTERM');
			await exit;
		},
	};
}
