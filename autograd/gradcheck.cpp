#include "rewind/autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <ostream>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/find.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"

namespace rw {

std::ostream& operator<<(std::ostream& out, const GradcheckResult& result) {
  return out << result.text;
}

namespace gradcheck_internal {
namespace {

using Tensors = std::vector<Tensor>;

Tensors float_results(const Function& f, const Tensors& x) {
  Tensors floats;
  for (Tensor& y : f(x)) {
    require<DtypeError>(y.dtype() != float32,
                        "gradcheck: the function returns {}; differences of float32 have three "
                        "digits at best, so everything must be float64",
                        y.spec());
    if (y.dtype() == float64) floats.push_back(std::move(y));
  }
  return floats;
}

// Of 0.5 to 1.5, both signs: none vanishes, no two are alike.
Tensor random_weights(const Spec& spec, Rng& rng) {
  Tensor w = uniform(spec.shape, {.low = -1, .high = 1, .dtype = float64}, rng);
  for (double& v : w.mutable_span<double>()) v += v < 0 ? -0.5 : 0.5;
  return w;
}

// The gradient of sum(v_k y_k) by the variables among x, on the tape if one records.
Tensors gradient(Tape& tape, const Function& f, Tensors& x, const std::vector<bool>& variable,
                 const Tensors& v, bool record) {
  std::vector<Variable> wrt;
  for (std::size_t i = 0; i < x.size(); i++) {
    if (!variable[i]) continue;
    if (!tape.holds(x[i].mark())) tape.watch(x[i]);
    wrt.emplace_back(x[i]);
  }
  const Tensors y = float_results(f, x);
  std::vector<Upstream> upstream;
  for (std::size_t k = 0; k < y.size(); k++) {
    if (tape.holds(y[k].mark())) upstream.push_back({y[k], v[k]});
  }
  Tensors dx;
  if (upstream.empty()) {  // nothing depends on x
    for (const Variable& w : wrt) dx.push_back(zeros(w.spec().shape, float64));
    return dx;
  }
  const Gradients gradients = tape.backward(upstream, {.record = record, .wrt = wrt});
  for (const Variable& w : wrt) dx.push_back(gradients[w]);
  return dx;
}

// x and the gradients that arrive -> the gradients that leave: a function like f, to be
// differentiated again.
Function derivative_of(Function f, std::vector<bool> variable) {
  return [f = std::move(f), variable = std::move(variable)](const Tensors& all) {
    const auto middle = all.begin() + std::ssize(variable);
    Tensors x(all.begin(), middle);
    std::optional<Tape> own;
    Tape* tape = Tape::current();
    if (!tape) tape = &own.emplace();
    return gradient(*tape, f, x, variable, {middle, all.end()}, true);
  };
}

// sum(v (f(x) - f(z))): what does not change cancels before it can round.
double weighted_change(const Tensors& a, const Tensors& b, const Tensors& v) {
  double sum = 0;
  for (std::size_t k = 0; k < v.size(); k++) {
    const Tensor p = contiguous(a[k]), q = contiguous(b[k]);
    const auto n = static_cast<std::size_t>(p.size());
    for (std::size_t i = 0; i < n; i++) {
      const double change = p.span<double>()[i] - q.span<double>()[i];
      sum += change * v[k].span<double>()[i];
    }
  }
  return sum;
}

// The derivative by one element, extrapolated from central differences to a step of 0: row k of the
// table removes the k-th even power of the step. The entry that moved least is taken.
double by_differences(const Function& f, Tensors& x, std::size_t input, std::size_t element,
                      const Tensors& v, const GradcheckOptions& options) {
  constexpr int kSteps = 8;
  const double at = x[input].span<double>()[element];
  const auto shifted = [&](double value) {
    x[input].mutable_span<double>()[element] = value;
    return float_results(f, x);
  };
  double step = options.step * std::max(1.0, std::abs(at));
  double best = std::nan(""), best_error = std::numeric_limits<double>::infinity();
  std::array<double, kSteps> row{};
  for (int k = 0; k < kSteps; k++, step /= 2) {
    const double above = at + step, below = at - step;
    std::array<double, kSteps> next{};
    next[0] = weighted_change(shifted(above), shifted(below), v) / (above - below);
    if (k == 0) best = next[0];
    double power = 4;
    for (std::size_t j = 1; j <= static_cast<std::size_t>(k); j++, power *= 4) {
      next[j] = (power * next[j - 1] - row[j - 1]) / (power - 1);
      const double error =
          std::max(std::abs(next[j] - next[j - 1]), std::abs(next[j] - row[j - 1]));
      if (error <= best_error) {
        best_error = error;
        best = next[j];
      }
    }
    if (k > 0 && best_error <= 1e-2 * options.tolerance * std::max(std::abs(best), 1e-3)) break;
    row = next;
  }
  x[input].mutable_span<double>()[element] = at;
  return best;
}

double relative_error(double a, double b, double scale) {
  if (a == b) return 0;
  const double error = std::abs(a - b) / std::max({std::abs(a), std::abs(b), scale});
  return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

void describe(GradcheckResult& result, const Tensors& x, const GradcheckOptions& options) {
  const std::string order = result.order == 1 ? "" : fmt::format(" of order {}", result.order);
  if (result.input < 0) {
    result.text = fmt::format("gradcheck: the derivative{} agrees; no element differs", order);
    return;
  }
  std::string at;
  for (const Index i : result.index) at += (at.empty() ? "" : ", ") + std::to_string(i);
  result.text = fmt::format(
      "gradcheck: the derivative{} {}; at element [{}] of input {}, {}, backward gives {:.10g} and "
      "differences give {:.10g}, a relative error of {:.2g} where {:.2g} is allowed",
      order, result.ok ? "agrees" : "is wrong", at, result.input,
      x[static_cast<std::size_t>(result.input)].spec(), result.backward, result.differences,
      result.error, options.tolerance);
}

void require_same_results(const Function& f, const Tensors& x) {
  const Tensors first = float_results(f, x), second = float_results(f, x);
  require<ValueError>(
      !first.empty(),
      "gradcheck: the function returns no float64 tensor; there is nothing to check");
  for (std::size_t k = 0; k < first.size(); k++) {
    const Tensor a = contiguous(first[k]), b = contiguous(second[k]);
    require<ValueError>(
        a.spec() == b.spec() &&
            (a.size() == 0 || std::memcmp(a.data<double>(), b.data<double>(),
                                          static_cast<std::size_t>(a.size()) * 8) == 0),
        "gradcheck: the function gives different results for the same inputs; give its random "
        "numbers a seed (Random scope(seed) inside it), or switch dropout off with "
        "Training(false)");
  }
}

GradcheckResult compare(const Function& f, Tensors x, const std::vector<bool>& variable,
                        const Tensors& v, int order, const GradcheckOptions& options) {
  Tensors dx;
  {
    Tape tape;
    Tensors watched = x;
    dx = gradient(tape, f, watched, variable, v, false);
  }
  GradcheckResult result;
  result.order = order;
  std::size_t next = 0;
  for (std::size_t i = 0; i < x.size(); i++) {
    if (!variable[i]) continue;
    const Tensor g = contiguous(dx[next++]);
    x[i] = contiguous(x[i]);
    std::vector<double> differences(static_cast<std::size_t>(g.size()));
    double largest = 0;
    for (std::size_t e = 0; e < differences.size(); e++) {
      differences[e] = by_differences(f, x, i, e, v, options);
      if (std::isfinite(differences[e])) largest = std::max(largest, std::abs(differences[e]));
    }
    for (std::size_t e = 0; e < differences.size(); e++) {
      const double given = g.span<double>()[e];
      const double error = relative_error(given, differences[e], std::max(1e-2 * largest, 1e-3));
      if (result.input >= 0 && !(error > result.error)) continue;
      result.input = static_cast<int>(i);
      const Dims at = position_of(static_cast<Index>(e), g.shape());
      result.index.assign(at.begin(), at.end());
      result.backward = given;
      result.differences = differences[e];
      result.error = error;
    }
  }
  result.ok = result.error <= options.tolerance;
  describe(result, x, options);
  return result;
}

}  // namespace

void wrong_count(std::size_t inputs) {
  throw ValueError(fmt::format("gradcheck: the function does not take {} tensors", inputs));
}

GradcheckResult check(const Function& function, const Tensors& inputs, int first_order,
                      int last_order, const GradcheckOptions& options) {
  const Pause pause;
  // Differences are taken without a tape: dropout would act in the one and not in the other.
  const Training same_function([] {
    const Tape tape;
    return training();
  }());
  require<ValueError>(last_order >= first_order, "gradgradcheck: order {} is below 2", last_order);
  const auto count = static_cast<int>(inputs.size());
  for (const int i : options.constants) {
    require<IndexError>(i >= 0 && i < count, "gradcheck: .constants names input {} of {}", i,
                        count);
  }
  std::vector<bool> variable;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    require<DtypeError>(inputs[i].dtype() != float32,
                        "gradcheck: input {} is {}; differences of float32 have three digits at "
                        "best, so check in float64: to(x, float64)",
                        i, inputs[i].spec());
    const bool constant = std::find(options.constants.begin(), options.constants.end(),
                                    static_cast<int>(i)) != options.constants.end();
    variable.push_back(inputs[i].dtype() == float64 && !constant);
  }
  require<ValueError>(std::find(variable.begin(), variable.end(), true) != variable.end(),
                      "gradcheck: none of the {} inputs is float64 and not a constant; there is "
                      "nothing to check",
                      inputs.size());
  Rng rng(options.seed);
  Function f = function;
  Tensors x = inputs;
  for (Tensor& input : x) input.set_mark(0);
  require_same_results(f, x);
  for (int order = 1;; order++) {
    Tensors v;
    for (const Tensor& y : float_results(f, x)) v.push_back(random_weights(y.spec(), rng));
    if (order >= first_order) {
      GradcheckResult result = compare(f, x, variable, v, order, options);
      if (!result.ok || order == last_order) return result;
    }
    f = derivative_of(f, variable);
    variable.resize(x.size() + v.size(), true);
    x.insert(x.end(), v.begin(), v.end());
  }
}

}  // namespace gradcheck_internal
}  // namespace rw
