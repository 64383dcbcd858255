/* How far the functions of Portable 1 are from the true ones: portable_errors STRIDE

   Goes over every STRIDEth float32 there is; of the exponential's over those from -708 to 0. Prints for each function the
   greatest error: absolute, relative to the true value, and in units of the true value's last place, each with where.
   The true values are a library's in more digits. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"

typedef struct {
    double absolute, relative, units;
    float at[3];
} Errors;

/* `least` is the smallest normal number, under which units no longer shrink. */
static void count(Errors *errors, double error, double wanted, int digits, double least, float x)
{
    const double size = fabs(wanted);
    double relative = error / size, units, mantissa;
    uint64_t bits;
    if (size >= least) {
        memcpy(&bits, &size, sizeof bits);
        bits = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(1023) << 52;
        memcpy(&mantissa, &bits, sizeof mantissa);
        units = relative * mantissa * (double)(UINT64_C(1) << (digits - 1));
    } else {
        units = error / least * (double)(UINT64_C(1) << (digits - 1));
        relative = size > 0 ? relative : 0;
    }
    if (!(error <= errors->absolute)) {
        errors->absolute = error;
        errors->at[0] = x;
    }
    if (!(relative <= errors->relative)) {
        errors->relative = relative;
        errors->at[1] = x;
    }
    if (!(units <= errors->units)) {
        errors->units = units;
        errors->at[2] = x;
    }
}

/* tanh, without asking the library where float64 knows no better. */
static double true_tanh(double x)
{
    if (fabs(x) > 20)
        return x < 0 ? -1 : 1;
    return fabs(x) < 1e-4 ? x - x * x * x / 3 : tanh(x);
}

/* e^x for x <= 0, likewise. */
static long double true_exponential(long double x)
{
    return x > -1e-5L ? 1 + x * (1 + x / 2 * (1 + x / 3)) : expl(x);
}

static void tell(const char *name, const Errors *errors)
{
    printf("%s %.6e %.9g %.6e %.9g %.6f %.9g\n", name, errors->absolute, (double)errors->at[0], errors->relative,
           (double)errors->at[1], errors->units, (double)errors->at[2]);
}

int main(int words, char **word)
{
    const uint64_t stride = words == 2 ? strtoull(word[1], NULL, 10) : 1;
    Errors tanh_errors = {0}, sigmoid_errors = {0}, exponential_errors = {0};
    uint64_t pattern;
    for (pattern = 0; pattern < UINT64_C(1) << 32; pattern += stride) {
        const uint32_t bits = (uint32_t)pattern;
        double of_tanh, of_sigmoid;
        float x;
        memcpy(&x, &bits, sizeof x);
        if (isnan(x))
            continue;
        of_tanh = true_tanh(x);
        of_sigmoid = 1 / (1 + exp(-(double)x));
        count(&tanh_errors, fabs(tanh_of(x) - of_tanh), of_tanh, FLT_MANT_DIG, FLT_MIN, x);
        count(&sigmoid_errors, fabs(sigmoid_of(x) - of_sigmoid), of_sigmoid, FLT_MANT_DIG, FLT_MIN, x);
        if (x <= 0 && x >= -708) {
            const long double wanted = true_exponential(x);
            const double error = (double)fabsl(exponential(x) - wanted);
            count(&exponential_errors, error, (double)wanted, DBL_MANT_DIG, DBL_MIN, x);
        }
    }
    tell("tanh", &tanh_errors);
    tell("sigmoid", &sigmoid_errors);
    tell("exponential", &exponential_errors);
    return 0;
}
