-- Failed sign-ins are counted by the function of 0090, which takes the name, too.

DROP FUNCTION letterrack.login_failed(bigint);
