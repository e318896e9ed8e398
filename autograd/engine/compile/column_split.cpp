// Where workers have to wait is found by going through the steps and noting what was read and
// written since they last waited. Two instructions may run on different workers at the same time
// if no worker writes what another touches: they are about different columns, or each worker keeps
// to its own part of the same ones.
//
// From one step to the next memory changes its role: what is remembered for every step is another
// row, the next state is the state. So steps are gone through until nothing new is found. A
// recurrence of one product, an LSTM's, waits once a step: for the whole of h, before the product
// reads it.
#include "rewind/autograd/engine/compile/column_split.h"

#include <algorithm>

#include "rewind/autograd/engine/compile/program.h"
#include "rewind/tensor/kernels/packed_product.h"

namespace rw::engine {
namespace {

Index panel_width(Dtype dtype) {
  if (!is_float(dtype)) return 1;
  return dispatch_float("column split", dtype,
                        [](auto v) { return kernels::panel_width<decltype(v)>(); });
}

// What an instruction reads or writes: so many columns of a place.
struct Part {
  Place place;
  Index columns;
  bool by_column;  // each worker touches its own; else every worker touches all
  bool write;
  Index unit = 0;  // by column: of which a worker has a part
  friend bool operator==(const Part&, const Part&) = default;
};

bool overlap(const Part& a, const Part& b) {
  return a.place.buffer == b.place.buffer && a.place.column < b.place.column + b.columns &&
         b.place.column < a.place.column + a.columns;
}

// Whether a worker's columns of both are the same, given the same unit.
bool aligned(const Part& a, const Part& b, Index unit) {
  return a.by_column && b.by_column && (a.place.column - b.place.column) % unit == 0;
}

bool conflict(const Part& a, const Part& b) {
  if (!(a.write || b.write) || !overlap(a, b)) return false;
  return a.unit != b.unit || a.unit == 0 || !aligned(a, b, a.unit);
}

std::vector<Part> parts_of(const ProductInstruction& i) {
  return {{i.a.place, i.k, false, false}, {i.c.place, i.n, true, true}};
}
std::vector<Part> parts_of(const ElementInstruction& i) {
  std::vector<Part> parts;
  for (const Operand& o : i.operands) {
    parts.push_back({o.place, o.by_column ? i.columns : 1, o.by_column, false});
  }
  for (const kernels::ElementInstruction& one : i.program.instructions) {
    if (one.result < parts.size()) parts[one.result].write = true;
  }
  return parts;
}
std::vector<Part> parts_of(const CopyInstruction& i) {
  return {{i.from, i.columns, true, false}, {i.to, i.columns, true, true}};
}
std::vector<Part> parts_of(const OrdinaryInstruction&) { return {}; }
std::vector<Part> parts_of(const ArrangeInstruction&) { return {}; }

}  // namespace

class ColumnSplitter {
 public:
  explicit ColumnSplitter(const Program& program) : program_(program) {
    for (const Instruction& instruction : program.loop) {
      parts_.push_back(std::visit([](const auto& i) { return parts_of(i); }, instruction));
    }
    for (const std::vector<Part>& parts : parts_) split_.push_back(unsplit(parts));
    for (std::size_t i = 0; i < split_.size(); i++) {
      split_[i].product = std::holds_alternative<ProductInstruction>(program.loop[i]);
    }
    while (make_units_smaller()) {
    }
    for (std::size_t i = 0; i < parts_.size(); i++) {
      for (Part& part : parts_[i]) part.unit = part.by_column ? split_[i].unit : 0;
    }
  }

  std::vector<ColumnSplit::Split> split() && {
    while (true) {
      const auto before = found();
      run_step();
      go_to_next_step();
      if (found() == before) return std::move(split_);
    }
  }

 private:
  // Waits are only ever added; as long as none is, what is open grows or stays as it is. So equal
  // counts mean that nothing has changed.
  std::pair<std::ptrdiff_t, std::size_t> found() const {
    const auto waits = [](const ColumnSplit::Split& s) { return s.waits; };
    return {std::count_if(split_.begin(), split_.end(), waits), open_.size()};
  }

  ColumnSplit::Split unsplit(const std::vector<Part>& parts) const {
    for (const Part& part : parts) {
      if (!part.by_column) continue;
      const Dtype dtype = program_.buffers[at(part.place.buffer)].dtype;
      return {.columns = part.columns, .unit = part.columns, .panel = panel_width(dtype)};
    }
    return {};
  }

  // The gates of a product are used one by one, so it is split one by one, and so is what adds a
  // bias to them: units are made as small as those of others that touch the same columns, if they
  // are several whole panels and a whole part of these columns. With a unit of one panel all would
  // be one worker's.
  bool make_units_smaller() {
    bool any = false;
    for (std::size_t i = 0; i < split_.size(); i++) {
      for (std::size_t j = 0; j < split_.size(); j++) {
        if (split_[j].unit >= split_[i].unit || !share_columns(i, j)) continue;
        split_[i].unit = split_[j].unit;
        any = true;
      }
    }
    return any;
  }
  bool share_columns(std::size_t i, std::size_t j) const {
    const Index unit = split_[j].unit;
    const Index panel = split_[j].panel;
    if (unit < 2 * panel || unit % panel != 0 || split_[i].columns % unit != 0) return false;
    return std::any_of(parts_[i].begin(), parts_[i].end(), [&](const Part& a) {
      return std::any_of(parts_[j].begin(), parts_[j].end(),
                         [&](const Part& b) { return overlap(a, b) && aligned(a, b, unit); });
    });
  }

  void run_step() {
    for (std::size_t i = 0; i < parts_.size(); i++) {
      split_[i].waits = split_[i].waits || meets_an_open_one(parts_[i]);
      if (split_[i].waits) open_.clear();
      for (const Part& part : parts_[i]) note(open_, part);
    }
  }
  bool meets_an_open_one(const std::vector<Part>& parts) const {
    return std::any_of(parts.begin(), parts.end(), [&](const Part& a) {
      return std::any_of(open_.begin(), open_.end(), [&](const Part& b) { return conflict(a, b); });
    });
  }

  // What the parts of the steps so far are to the step that comes. Where states are copied, all
  // wait for that.
  void go_to_next_step() {
    std::vector<Part> later;
    for (Part part : open_) {
      const Buffer& buffer = program_.buffers[at(part.place.buffer)];
      if (const int renamed = in_the_next_step(part.place.buffer); renamed >= 0) {
        part.place.buffer = renamed;
      } else if (buffer.kind != Buffer::local && buffer.kind != Buffer::state) {
        continue;  // another row of it, or the same for ever
      }
      note(later, part);
    }
    open_ = std::move(later);
  }
  // -1: nothing changes its name.
  int in_the_next_step(int buffer) const {
    for (std::size_t k = 0; k < program_.states.size(); k++) {
      const HandOver& over = program_.states[k];
      const int state = program_.place(program_.step.states[k])->buffer;
      if (over.kind == HandOver::copied) continue;
      if (buffer == over.next.buffer) return state;
      if (buffer == state && over.kind == HandOver::exchanged) return over.next.buffer;
    }
    return -1;
  }

  static void note(std::vector<Part>& parts, const Part& part) {
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }

  const Program& program_;
  std::vector<std::vector<Part>> parts_;  // by instruction
  std::vector<ColumnSplit::Split> split_;
  std::vector<Part> open_;  // since workers waited last
};

ColumnSplit::ColumnSplit(const Program& program) : split_(ColumnSplitter(program).split()) {}

int ColumnSplit::waits_of_a_step() const {
  return static_cast<int>(
      std::count_if(split_.begin(), split_.end(), [](const Split& s) { return s.waits; }));
}

Index ColumnSplit::most_workers() const {
  Index of_products = 0, of_others = 0;
  for (const Split& s : split_) {
    Index& most = s.product ? of_products : of_others;
    most = s.product && most > 0 ? std::min(most, s.panels()) : std::max(most, s.panels());
  }
  return of_products > 0 ? of_products : of_others;
}

std::vector<Columns> ColumnSplit::of(std::size_t instruction, ColumnShare share) const {
  const Split& split = split_[instruction];
  if (share.workers == 1) return {{0, split.columns}};
  const Index panels = split.panels();
  const auto first = [&](int worker) {
    return std::min(split.unit, panels * worker / share.workers * split.panel);
  };
  const Index begin = first(share.worker), end = first(share.worker + 1);
  std::vector<Columns> columns;
  for (Index unit = 0; unit < split.columns && begin < end; unit += split.unit) {
    columns.push_back({unit + begin, unit + end});
  }
  return columns;
}

}  // namespace rw::engine
