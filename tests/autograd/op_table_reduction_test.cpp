// Rows of the table: many numbers become one, or one line becomes another.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/op_table.h"
#include "rewind/nn/loss/cross_entropy.h"
#include "rewind/nn/loss/linear_cross_entropy.h"
#include "rewind/tensor/cumsum.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/sum_to.h"

namespace rw::test {
namespace {

using List = std::vector<double>;

double total(const List& x) { return std::accumulate(x.begin(), x.end(), 0.0); }
double average(const List& x) { return total(x) / static_cast<double>(x.size()); }
double product(const List& x) {
  return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<>());
}
double greatest(const List& x) { return *std::max_element(x.begin(), x.end()); }
double least(const List& x) { return *std::min_element(x.begin(), x.end()); }
double variance(const List& x) {
  if (x.size() < 2) return std::nan("");
  double sum = 0;
  for (double v : x) sum += (v - average(x)) * (v - average(x));
  return sum / (static_cast<double>(x.size()) - 1);
}
double log_of_sum(const List& x) {
  double sum = 0;
  for (double v : x) sum += std::exp(v);
  return std::log(sum);
}
double first_greatest(const List& x) {
  return static_cast<double>(std::max_element(x.begin(), x.end()) - x.begin());
}
double first_least(const List& x) {
  return static_cast<double>(std::min_element(x.begin(), x.end()) - x.begin());
}

// Over one axis, over two with keepdims, over all.
template <class F>
void add_reduction(std::vector<OpRow>& rows, const std::string& name, F f,
                   double (*value)(const List&), bool empty_groups) {
  const Argument cube{{2, 3, 4}};
  const auto row = [&](const char* which, Axes axes, bool keepdims, std::vector<int> gone,
                       std::vector<Dims> empty) {
    rows.push_back({name + which,
                    [f, axes, keepdims](const Tensors& x) { return f(x[0], axes, keepdims); },
                    {cube},
                    [value, gone, keepdims](const Tensors& x) {
                      return reference::reduce(value, x[0], gone, keepdims);
                    },
                    std::move(empty)});
  };
  row(" over one axis", 1, false, {1}, {{0, 3, 4}});
  row(" over the ends", {0, -1}, true, {0, 2}, {{2, 0, 4}});
  if (empty_groups) row(" over all", {}, false, {0, 1, 2}, {{2, 0, 4}});
}

// A row for a function of each line along the axis.
OpRow along(const std::string& name, std::function<Tensor(const Tensor&)> f, int axis,
            std::function<List(const List&)> line) {
  return {name,
          [f](const Tensors& x) { return f(x[0]); },
          {{{2, 3, 4}}},
          [=](const Tensors& x) {
            return built(x[0].shape(), [&](Position p) {
              const auto a = static_cast<std::size_t>(axis);
              const Index own = p[a];
              List values;
              for (p[a] = 0; p[a] < x[0].shape()[axis]; p[a]++) {
                values.push_back(reference::element(x[0], p, x[0].shape()));
              }
              return line(values)[static_cast<std::size_t>(own)];
            });
          }};
}

List normalized(const List& x) {
  List y;
  for (double v : x) y.push_back(std::exp(v - log_of_sum(x)));
  return y;
}
List log_normalized(const List& x) {
  List y;
  for (double v : x) y.push_back(v - log_of_sum(x));
  return y;
}
List running(const List& x) {
  List y(x.size());
  std::partial_sum(x.begin(), x.end(), y.begin());
  return y;
}
List running_back(const List& x) {
  List y(x.size());
  std::partial_sum(x.rbegin(), x.rend(), y.rbegin());
  return y;
}

// With a quarter of the target spread over so many classes, and 1 ignored.
template <class F>
double loss_of_classes(int classes, Index target, F logit) {
  double sum = 0, mean = 0;
  for (Index c = 0; c < classes; c++) {
    sum += std::exp(logit(c));
    mean += logit(c) / classes;
  }
  return target == 1 ? 0 : std::log(sum) - 0.75 * logit(target) - 0.25 * mean;
}

Array losses_of_classes(const Tensors& x) {
  return built(x[1].shape(), [&](Position p) {
    const Index target = static_cast<Index>(at(x[1], {p[0], p[1]}));
    return loss_of_classes(4, target, [&](Index c) { return at(x[0], {p[0], p[1], c}); });
  });
}

// Of x [2, 3, 4] and a layer of five classes, as above.
Array losses_of_a_layer(const Tensors& x) {
  return built(x[3].shape(), [&](Position p) {
    const Index target = static_cast<Index>(at(x[3], {p[0], p[1]}));
    return loss_of_classes(5, target, [&](Index c) {
      double sum = at(x[2], {c});
      for (Index i = 0; i < 4; i++) sum += at(x[0], {p[0], p[1], i}) * at(x[1], {c, i});
      return sum;
    });
  });
}

Array total_of(const Array& x) {
  return {{}, {std::accumulate(x.values.begin(), x.values.end(), 0.0)}};
}

}  // namespace

std::vector<OpRow> reduction_rows() {
  std::vector<OpRow> rows;
  add_reduction(rows, "sum", sum, total, true);
  add_reduction(rows, "mean", mean, average, true);
  add_reduction(rows, "prod", prod, product, true);
  add_reduction(rows, "max", max, greatest, false);
  add_reduction(rows, "min", min, least, false);
  add_reduction(rows, "logsumexp", logsumexp, log_of_sum, true);
  add_reduction(rows, "argmax", argmax, first_greatest, false);
  add_reduction(rows, "argmin", argmin, first_least, false);
  add_reduction(
      rows, "var",
      [](const Tensor& x, Axes axes, bool keepdims) {
        return var(x, axes, {.keepdims = keepdims});
      },
      variance, true);
  const Argument flags{{2, 3}, -1, 1, boolean};
  rows.push_back({"any",
                  [](const Tensors& x) { return any(x[0], 1); },
                  {flags},
                  [](const Tensors& x) { return reference::reduce(greatest, x[0], {1}, false); }});
  rows.push_back({"all",
                  [](const Tensors& x) { return all(x[0], 1); },
                  {flags},
                  [](const Tensors& x) { return reference::reduce(least, x[0], {1}, false); }});
  for (int axis : {0, 1, 2}) {
    rows.push_back(along(
        "softmax", [=](const Tensor& x) { return softmax(x, axis); }, axis, normalized));
    rows.push_back(along(
        "log_softmax", [=](const Tensor& x) { return log_softmax(x, axis); }, axis,
        log_normalized));
    rows.push_back(along(
        "cumsum", [=](const Tensor& x) { return cumsum(x, axis); }, axis, running));
  }
  rows.push_back(along(
      "cumsum in reverse", [](const Tensor& x) { return cumsum(x, 1, {.reverse = true}); }, 1,
      running_back));
  rows.push_back(
      {"cross_entropy",
       [](const Tensors& x) {
         return nn::cross_entropy(
             x[0], x[1],
             {.ignore_index = 1, .label_smoothing = 0.25, .reduction = nn::Reduction::none});
       },
       {{{2, 3, 4}}, {{2, 3}, 0, 4, int64}},
       losses_of_classes,
       {{0, 3, 4}, {0, 3}}});
  for (const nn::Reduction reduction : {nn::Reduction::sum, nn::Reduction::none}) {
    rows.push_back(
        {reduction == nn::Reduction::sum ? "linear_cross_entropy, sum" : "linear_cross_entropy",
         [=](const Tensors& x) {
           return nn::linear_cross_entropy(
               x[0], x[1], x[2], x[3],
               {.ignore_index = 1, .label_smoothing = 0.25, .reduction = reduction});
         },
         {{{2, 3, 4}}, {{5, 4}}, {{5}}, {{2, 3}, 0, 5, int64}},
         [=](const Tensors& x) {
           const Array losses = losses_of_a_layer(x);
           return reduction == nn::Reduction::none ? losses : total_of(losses);
         },
         {{0, 3, 4}, {5, 4}, {5}, {0, 3}},
         {{30, 20, 40}, {600, 40}, {600}, {30, 20}}});
  }
  rows.push_back({"sum_to",
                  [](const Tensors& x) {
                    return sum_to(x[0], {x[0].dim(1), 1});
                  },
                  {{{2, 3, 4}}},
                  [](const Tensors& x) {
                    Array y = reference::reduce(total, x[0], {0, 2}, false);
                    y.shape = {x[0].dim(1), 1};
                    return y;
                  }});
  return rows;
}

}  // namespace rw::test
