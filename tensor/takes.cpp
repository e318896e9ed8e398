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

void takes_element(std::string_view op, double number, const Spec& x) {
  if (x.dtype == int64) {
    require<DtypeError>(std::isfinite(number) && number == std::trunc(number),
                        "{}: {} is not a whole number, as the elements of {} are; take a floating "
                        "dtype, as in to(x, float32)",
                        op, number, x);
    require<DtypeError>(std::abs(number) < 0x1p53,
                        "{}: {} reaches 2^53, from where on a C++ number may have been rounded on "
                        "its way to {}; make a tensor of it, as tensor({{n}})",
                        op, number, x);
  } else if (x.dtype == float32) {
    require(!std::isfinite(number) || std::isfinite(static_cast<float>(number)),
            "{}: {} is infinite as an element of {}; take float64, as in to(x, float64), or write "
            "infinity",
            op, number, x);
  } else if (x.dtype == boolean) {
    require<DtypeError>(number == 0 || number == 1,
                        "{}: {} is neither 0 nor 1, as the elements of {} are", op, number, x);
  }
}

}  // namespace rw
