/* Where there is no C library: what the runtime asks of it. web.c holds it. */

#ifndef UNDERSTUDY_STRING_H
#define UNDERSTUDY_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *one, const void *other, size_t count);

#endif
