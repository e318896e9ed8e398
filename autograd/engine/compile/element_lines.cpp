#include "rewind/autograd/engine/compile/element_lines.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <optional>
#include <unordered_map>

namespace rw::engine {
namespace {

using kernels::ElementCode;

class Combiner {
 public:
  explicit Combiner(ElementLines& program) : program_(program), lines_(program.lines) {
    for (std::size_t i = 0; i < lines_.size(); i++) {
      for (const int x : lines_[i].arguments) uses_[x]++;
      if (ElementLines::is_temporary(lines_[i].result)) makers_[lines_[i].result] = i;
    }
    gone_.assign(lines_.size(), false);
  }

  void run() && {
    for (std::size_t i = 0; i < lines_.size(); i++) {
      if (lines_[i].code == ElementCode::multiply) as_slope(i);
      if (lines_[i].code == ElementCode::add) as_multiply_add(i);
      if (lines_[i].code == ElementCode::select) as_select_of_the_other(i);
    }
    std::size_t i = 0;
    std::erase_if(lines_, [&](const ElementLine&) { return gone_[i++]; });
  }

 private:
  // The line that makes a value for line `reader` alone, and could as well run there.
  std::optional<std::size_t> absorbable(int value, ElementCode code, std::size_t reader) const {
    const auto maker = makers_.find(value);
    if (maker == makers_.end() || uses_.at(value) != 1) return {};
    const ElementLine& line = lines_[maker->second];
    if (line.code != code) return {};
    for (std::size_t i = maker->second + 1; i < reader; i++) {
      const auto& in = line.arguments;
      if (!gone_[i] && std::find(in.begin(), in.end(), lines_[i].result) != in.end()) return {};
    }
    return maker->second;
  }

  bool is(int value, double number) const {
    return value >= ElementLines::kConstants &&
           program_.constants[static_cast<std::size_t>(value - ElementLines::kConstants)] == number;
  }

  // 1 - v, made for `reader` alone.
  std::optional<std::size_t> one_minus(int value, std::size_t reader) const {
    const auto line = absorbable(value, ElementCode::subtract, reader);
    return line && is(lines_[*line].arguments[0], 1) ? line : std::nullopt;
  }

  // v v, made for `reader` alone: a tape writes it as a product.
  std::optional<std::size_t> own_square(int value, std::size_t reader) const {
    if (const auto line = absorbable(value, ElementCode::square, reader)) return line;
    const auto line = absorbable(value, ElementCode::multiply, reader);
    return line && lines_[*line].arguments[0] == lines_[*line].arguments[1] ? line : std::nullopt;
  }

  void replace(std::size_t i, ElementCode code, std::array<int, 3> arguments,
               std::initializer_list<std::size_t> absorbed) {
    for (const std::size_t line : absorbed) gone_[line] = true;
    lines_[i] = {code, lines_[i].result, arguments};
  }

  void as_slope(std::size_t i) {
    for (const std::size_t k : {0u, 1u}) {
      const int slope = lines_[i].arguments[k], d = lines_[i].arguments[1 - k];
      if (as_sigmoid_slope(i, slope, d) || as_tanh_slope(i, slope, d)) return;
    }
  }

  // d (v (1 - v))
  bool as_sigmoid_slope(std::size_t i, int slope, int d) {
    const auto product = absorbable(slope, ElementCode::multiply, i);
    if (!product) return false;
    for (const std::size_t k : {0u, 1u}) {
      const int v = lines_[*product].arguments[k], rest = lines_[*product].arguments[1 - k];
      const auto minus = one_minus(rest, i);
      if (!minus || lines_[*minus].arguments[1] != v) continue;
      replace(i, ElementCode::sigmoid_slope, {d, v, -1}, {*product, *minus});
      return true;
    }
    return false;
  }

  // d (1 - v v)
  bool as_tanh_slope(std::size_t i, int slope, int d) {
    const auto minus = one_minus(slope, i);
    if (!minus) return false;
    const auto square = own_square(lines_[*minus].arguments[1], i);
    if (!square) return false;
    const int v = lines_[*square].arguments[0];
    replace(i, ElementCode::tanh_slope, {d, v, -1}, {*minus, *square});
    return true;
  }

  void as_multiply_add(std::size_t i) {
    for (const std::size_t k : {0u, 1u}) {
      const int other = lines_[i].arguments[1 - k];
      const auto product = absorbable(lines_[i].arguments[k], ElementCode::multiply, i);
      if (!product) continue;
      const auto [a, b, none] = lines_[*product].arguments;
      return replace(i, ElementCode::multiply_add, {a, b, other}, {*product});
    }
  }

  // By what is not m: `not equal` and `not a number` are written so.
  void as_select_of_the_other(std::size_t i) {
    const auto [mask, a, b] = lines_[i].arguments;
    const auto opposite = absorbable(mask, ElementCode::select, i);
    if (!opposite) return;
    const auto [m, where_m, elsewhere] = lines_[*opposite].arguments;
    if (!is(where_m, 0) || !is(elsewhere, 1)) return;
    replace(i, ElementCode::select, {m, b, a}, {*opposite});
  }

  ElementLines& program_;
  std::vector<ElementLine>& lines_;
  std::vector<bool> gone_;
  std::unordered_map<int, int> uses_;            // by name
  std::unordered_map<int, std::size_t> makers_;  // of temporaries
};

// Places for temporaries, each free again after its last use.
class Vacancies {
 public:
  explicit Vacancies(const ElementLines& program) {
    for (std::size_t i = 0; i < program.lines.size(); i++) {
      for (const int x : program.lines[i].arguments) last_use_[x] = i;
    }
  }

  int of(int temporary) {
    const auto [place, is_new] = place_.try_emplace(temporary, -1);
    if (!is_new) return place->second;
    if (vacant_.empty()) vacant_.push_back(count_++);
    place->second = vacant_.back();
    vacant_.pop_back();
    return place->second;
  }
  void release_after(std::size_t line, int temporary) {
    if (last_use_.at(temporary) != line) return;
    vacant_.push_back(place_.at(temporary));
    last_use_[temporary] = std::numeric_limits<std::size_t>::max();  // once
  }
  int count() const { return count_; }

 private:
  std::unordered_map<int, std::size_t> last_use_;
  std::unordered_map<int, int> place_;
  std::vector<int> vacant_;
  int count_ = 0;
};

}  // namespace

void combine(ElementLines& program) { Combiner(program).run(); }

kernels::ElementProgram numbered(const ElementLines& program) {
  Vacancies places(program);
  std::vector<ElementLine> lines = program.lines;
  for (std::size_t i = 0; i < lines.size(); i++) {
    std::vector<int> read;
    for (int& x : lines[i].arguments) {
      if (!ElementLines::is_temporary(x)) continue;
      read.push_back(x);
      x = ElementLines::kTemporaries + places.of(x);
    }
    for (const int x : read) places.release_after(i, x);
    int& y = lines[i].result;
    if (ElementLines::is_temporary(y)) y = ElementLines::kTemporaries + places.of(y);
  }
  kernels::ElementProgram result{{}, program.operands, places.count(), {}};
  assert(program.operands + places.count() + std::ssize(program.constants) <= 1 << 16);
  std::unordered_map<int, int> constants;  // those that are left
  const auto constant = [&](int x) {
    const auto [number, is_new] =
        constants.try_emplace(x, static_cast<int>(result.constants.size()));
    if (is_new) {
      result.constants.push_back(
          program.constants[static_cast<std::size_t>(x - ElementLines::kConstants)]);
    }
    return program.operands + places.count() + number->second;
  };
  const auto number = [&](int x) {
    if (x < 0) return std::uint16_t{0};
    if (x >= ElementLines::kConstants) return static_cast<std::uint16_t>(constant(x));
    if (!ElementLines::is_temporary(x)) return static_cast<std::uint16_t>(x);
    return static_cast<std::uint16_t>(program.operands + x - ElementLines::kTemporaries);
  };
  for (const ElementLine& line : lines) {
    const auto& [a, b, c] = line.arguments;
    result.instructions.push_back(
        {line.code, number(line.result), number(a), number(b), number(c)});
  }
  return result;
}

}  // namespace rw::engine
