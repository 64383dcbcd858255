/* A product of real numbers in vectors of 512 bits: TARGET, NAME(x) and DOT(sum, x, w) are the includer's. */

#define VECTOR __m512
#define VECTORS 1
#define LOAD(address) _mm512_loadu_ps(address)
#define SPREAD(address) _mm512_set1_ps(*(const float *)(address))
#define START(matrix, row) _mm512_setzero_ps()
#define STORE(sum, matrix, row, address) _mm512_storeu_ps(address, _mm512_add_ps(sum, _mm512_loadu_ps((matrix)->bias + (row))))
#define PAUSE(sum, address) _mm512_storeu_ps(address, sum)
#define RESUME(address) _mm512_loadu_ps(address)
#define AT_ONCE 4
#define TOGETHER 6
#define ROWS EACH_4
#define STREAMS OVER_6
#define CHAINS 1
#include "tiles.h"
