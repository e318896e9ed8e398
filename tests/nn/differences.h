// Gradients against central differences in float64, for layers and losses. Whatever is to be varied
// is a Parameter, also the input.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/views.h"

namespace rw::test {

// Numbers without pattern in (-1, 1), no two alike.
inline Tensor wave(const Dims& shape, double phase = 0) {
  std::vector<double> numbers(static_cast<std::size_t>(shape.count()));
  for (std::size_t i = 0; i < numbers.size(); i++) {
    numbers[i] =
        std::sin(1.7 * static_cast<double>(i) + phase) + 0.001 * static_cast<double>(i % 7);
  }
  return from_span(numbers, shape);
}

// Holds the tape's gradients of sum(f() * constants) to central differences in each number of each
// variable. The constants are of no symmetry in which a mistake could hide.
inline void expect_gradients(const std::function<Tensor()>& f, std::vector<Parameter> variables,
                             double tolerance = 1e-6) {
  const auto functional = [&] {
    const Tensor y = f();
    return sum(y * wave(y.shape(), 0.3));
  };
  Tape tape;
  const Gradients gradients = tape.backward(functional());
  const Pause pause;
  constexpr double kStep = 1e-5;
  for (Parameter& variable : variables) {
    const Tensor gradient = gradients[variable];
    ASSERT_EQ(gradient.spec(), variable.spec());
    for (std::size_t i = 0; i < static_cast<std::size_t>(gradient.size()); i++) {
      const double middle = variable.value().mutable_span<double>()[i];
      const auto at = [&](double value) {
        variable.value().mutable_span<double>()[i] = value;
        return functional().item();
      };
      const double difference = (at(middle + kStep) - at(middle - kStep)) / (2 * kStep);
      at(middle);
      const double got = contiguous(gradient).span<double>()[i];
      EXPECT_NEAR(got, difference, tolerance * std::max(1.0, std::abs(difference)))
          << variable.name() << ", number " << i;
    }
  }
}

// The gradient of f() by a variable as a function to be differentiated once more.
inline Tensor gradient_of(const std::function<Tensor()>& f, const Parameter& variable) {
  if (Tape* tape = Tape::current()) return tape->backward(f(), {.record = true})[variable];
  Tape tape;
  return tape.backward(f())[variable];
}

inline std::vector<Parameter> variables(std::initializer_list<const Parameter*> list) {
  std::vector<Parameter> all;
  for (const Parameter* p : list) all.push_back(p->tie());
  return all;
}

}  // namespace rw::test
