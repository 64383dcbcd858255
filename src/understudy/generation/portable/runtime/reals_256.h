/* A product of real numbers in vectors of 256 bits: TARGET, NAME(x) and DOT(sum, x, w) are the includer's. */

#define VECTOR __m256
#define VECTORS 2
#define LOAD(address) _mm256_loadu_ps((const float *)(address))
#define SPREAD(address) _mm256_set1_ps(*(const float *)(address))
#define START(matrix, row) _mm256_setzero_ps()
#define STORE(sum, matrix, row, address) _mm256_storeu_ps(address, _mm256_add_ps(sum, _mm256_loadu_ps((matrix)->bias + (row))))
#define PAUSE(sum, address) _mm256_storeu_ps(address, sum)
#define RESUME(address) _mm256_loadu_ps(address)
#define AT_ONCE 2
#define TOGETHER 6
#define ROWS EACH_2
#define STREAMS OVER_6
#define CHAINS 1
#include "tiles.h"
