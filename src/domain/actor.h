/* Actors: what a token does not say of its bearer, asked where a route needs
 * it. The statements are in sql/queries/actor.sql. */
#ifndef DOMAIN_ACTOR_H
#define DOMAIN_ACTOR_H

#include "db/db.h"

#endif
