#include "rewind/tensor/takes.h"

#include <cmath>

namespace rw {

const Spec& takes_floats(std::string_view op, const Spec& x) {
  require<DtypeError>(is_float(x.dtype),
                      "{}: takes float32 or float64, got {}; convert with to(x, float32)", op, x);
  return x;
}

const Spec& takes_numbers(std::string_view op, const Spec& x) {
  require<DtypeError>(x.dtype != boolean, "{}: takes numbers, got {}; convert with to(x, int64)",
                      op, x);
  return x;
}

const Spec& takes_bools(std::string_view op, const Spec& x) {
  require<DtypeError>(x.dtype == boolean,
                      "{}: takes bool, got {}; compare first, as in not_equal(x, 0)", op, x);
  return x;
}

void takes_number_beside(std::string_view op, double number, const Spec& x) {
  if (x.dtype == int64) {
    require<DtypeError>(number == std::trunc(number) && std::abs(number) <= 9007199254740992.0,
                        "{}: {} is not a whole number, beside {}; convert with to(x, float32)", op,
                        number, x);
  } else if (x.dtype == boolean) {
    require<DtypeError>(number == 0 || number == 1, "{}: {} is neither 0 nor 1, beside {}", op,
                        number, x);
  }
}

}  // namespace rw
