// Two walks over the elements that are shown: the first writes each as text, from which their
// common width follows; the second sets them between brackets.
#include "rewind/tensor/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <vector>

namespace rw {
namespace {

constexpr std::string_view kStart = "tensor(";
constexpr Index kMostDigits = 1074;  // after the point: the smallest double is 2^-1074

// The part of an axis that is shown: everything, or both ends.
struct Shown {
  Index size, edge;
  bool cut;

  Shown(Index axis_size, const PrintOptions& options, bool summarise)
      : size(axis_size),
        edge(options.edge),
        cut(summarise && axis_size - options.edge > options.edge) {}
  Index first_after_gap() const { return size - edge; }

  // Calls f(i, after_gap) for the positions shown.
  template <class F>
  void for_each(F&& f) const {
    for (Index i = 0; i < (cut ? edge : size); i++) f(i, false);
    for (Index i = first_after_gap(); cut && i < size; i++) f(i, i == first_after_gap());
  }
};

// Digits after the point that are not zeros at the end: "1.5000" has 1, "2.0000e+05" none.
Index digits_after_point(std::string_view number) {
  const std::size_t point = number.find('.');
  if (point == std::string_view::npos) return 0;
  const std::string_view digits = number.substr(point + 1, number.find('e') - point - 1);
  return static_cast<Index>(digits.find_last_not_of('0') + 1);
}

// NumPy's rule for writing an array of numbers with exponents.
bool wants_exponents(const std::vector<double>& numbers) {
  double largest = 0, smallest = HUGE_VAL;
  for (double v : numbers) {
    if (!std::isfinite(v) || v == 0) continue;
    largest = std::max(largest, std::abs(v));
    smallest = std::min(smallest, std::abs(v));
  }
  return largest >= 1e8 || (largest > 0 && (smallest < 1e-4 || largest / smallest > 1000));
}

std::vector<std::string> write_floats(const std::vector<double>& numbers, Index precision) {
  const char kind = wants_exponents(numbers) ? 'e' : 'f';
  const auto text = [kind](double v, Index digits) {
    return kind == 'e' ? fmt::format("{:.{}e}", v, digits) : fmt::format("{:.{}f}", v, digits);
  };
  Index digits = 0;
  for (double v : numbers) {
    if (std::isfinite(v)) digits = std::max(digits, digits_after_point(text(v, precision)));
  }
  std::vector<std::string> cells;
  for (double v : numbers) cells.push_back(text(v, digits));
  return cells;
}

// Whether a format is meant for numbers of this kind, by the letter at its end.
bool meant_for(std::string_view format, bool floating) {
  if (format.empty()) return false;
  if (std::string_view("aAeEfFgG").find(format.back()) != format.npos) return floating;
  if (std::string_view("bBcdoxX").find(format.back()) != format.npos) return !floating;
  return floating || format.find('.') == format.npos;
}

template <class T>
std::string formatted(T value, std::string_view format) {
  try {
    return fmt::format(fmt::runtime(fmt::format("{{:{}}}", format)), value);
  } catch (const fmt::format_error& e) {
    throw ValueError(fmt::format("print: the element format '{}' is wrong, {}", format, e.what()));
  }
}

class Printer {
 public:
  Printer(const Tensor& x, const PrintOptions& options)
      : x_(x),
        options_(options),
        strides_(x.strides()),
        summarise_(x.size() > std::max<Index>(options.threshold, 0)) {}

  // Everything up to the last bracket.
  std::string text() {
    if (x_.size() == 0) return text_ + "[]";
    collect(0, 0);
    write_cells();
    for (const std::string& cell : cells_) width_ = std::max(width_, cell.size());
    set(0);
    return std::move(text_);
  }

 private:
  Shown shown(int axis) const { return {x_.shape()[axis], options_, summarise_}; }

  void collect(int axis, Index offset) {
    if (axis == x_.rank()) {
      offsets_.push_back(offset);
      return;
    }
    const Index step = strides_[static_cast<std::size_t>(axis)];
    shown(axis).for_each([&](Index i, bool) { collect(axis + 1, offset + i * step); });
  }

  void write_cells() {
    dispatch_any(x_.dtype(), [&](auto v) {
      using T = decltype(v);
      const T* data = x_.data<T>();
      if constexpr (std::is_same_v<T, bool>) {
        for (Index at : offsets_) cells_.emplace_back(data[at] ? "true" : "false");
      } else if (meant_for(options_.format, std::is_floating_point_v<T>)) {
        for (Index at : offsets_) cells_.push_back(formatted(data[at], options_.format));
      } else if constexpr (std::is_floating_point_v<T>) {
        std::vector<double> numbers;
        for (Index at : offsets_) numbers.push_back(static_cast<double>(data[at]));
        cells_ = write_floats(numbers, options_.precision);
      } else {
        for (Index at : offsets_) cells_.push_back(fmt::format("{}", data[at]));
      }
    });
  }

  void set(int axis) {
    if (axis == x_.rank()) {
      const std::string& cell = cells_[next_++];
      text_.append(width_ - cell.size(), ' ').append(cell);
      return;
    }
    const bool row = axis == x_.rank() - 1;
    text_ += '[';
    bool first = true;
    shown(axis).for_each([&](Index, bool after_gap) {
      if (!first) separate(axis, row ? width_ : 0);
      first = false;
      if (after_gap) {
        text_ += "...";
        separate(axis, row ? width_ : 0);
      }
      set(axis + 1);
    });
    text_ += ']';
  }

  // A comma and room for the next element; blocks of more axes stand further apart.
  void separate(int axis, std::size_t room) {
    const std::size_t indent = kStart.size() + static_cast<std::size_t>(axis) + 1;
    text_ += ',';
    const auto lines = static_cast<std::size_t>(x_.rank() - 1 - axis);
    if (lines > 0) {
      text_.append(lines, '\n').append(indent, ' ');
    } else if (column() + room + 2 > static_cast<std::size_t>(options_.width)) {
      text_.append("\n").append(indent, ' ');
    } else {
      text_ += ' ';
    }
  }

  std::size_t column() const {
    const std::size_t line = text_.rfind('\n');
    return line == std::string::npos ? text_.size() : text_.size() - line - 1;
  }

  const Tensor& x_;
  const PrintOptions& options_;
  Strides strides_;
  bool summarise_;
  std::vector<Index> offsets_;
  std::vector<std::string> cells_;
  std::size_t width_ = 0, next_ = 0;
  std::string text_{kStart};
};

}  // namespace

std::string to_string(const Tensor& x, const PrintOptions& options) {
  require(
      options.precision >= 0 && options.precision <= kMostDigits,
      "print: precision {} is outside [0, {}], the digits that a double can have after its point",
      options.precision, kMostDigits);
  require(options.edge >= 1 && options.width >= 1, "print: edge {} and width {} must be at least 1",
          options.edge, options.width);
  if (!x.defined()) return "tensor(none)";
  const std::string start = x.has_data() ? Printer(x, options).text() : fmt::format("{}?", kStart);
  return fmt::format("{}, shape={}, {})", start, x.shape(), name_of(x.dtype()));
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }

}  // namespace rw
