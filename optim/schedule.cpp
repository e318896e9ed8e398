#include "rewind/optim/schedule.h"

#include <cmath>
#include <numbers>

#include "rewind/optim/optimizer.h"

namespace rw::optim {
namespace {

void check(std::string_view name, Index step) {
  require(step >= 0, "{}: the step is {}; steps count from 0", name, step);
}

void check_not_negative(std::string_view name, std::string_view field, double value) {
  require_in(name, field, value, 0, HUGE_VAL);
}

}  // namespace

double Constant::operator()(Index step) const {
  check("constant", step);
  check_not_negative("constant", "rate", rate);
  return rate;
}

double StepWise::operator()(Index step) const {
  check("step_wise", step);
  check_not_negative("step_wise", "rate", rate);
  check_not_negative("step_wise", "factor", factor);
  require(every > 0, "step_wise: .every is {}; it must be one or more", every);
  return rate * std::pow(factor, static_cast<double>(step / every));
}

double Cosine::operator()(Index step) const {
  check("cosine", step);
  check_not_negative("cosine", "rate", rate);
  check_not_negative("cosine", "minimum", minimum);
  require(steps > 0, "cosine: .steps is {}; it must be one or more", steps);
  if (step >= steps) return minimum;
  const double part = static_cast<double>(step) / static_cast<double>(steps);
  return minimum + (rate - minimum) * (1 + std::cos(std::numbers::pi * part)) / 2;
}

double WarmUp::operator()(Index step) const {
  check("warm_up", step);
  require(steps >= 0, "warm_up: .steps is {}; it must be zero or more", steps);
  require(then != nullptr, "warm_up: .then is empty; give the schedule that follows");
  if (step >= steps) return then(step - steps);
  return then(0) * static_cast<double>(step + 1) / static_cast<double>(steps);
}

}  // namespace rw::optim
