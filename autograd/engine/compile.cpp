// From a step to the instructions of its loop, in three steps.
//
// Forms: what each operation of the loop is run as. A product of rows with a packed matrix; an
// instruction of an element program; a view, which is a place inside another value's place and no
// work at all; or its own kernel, for all else.
//
// Schedule: products and ordinary operations stand on levels, each above those that it reads from.
// Element-wise work goes between the levels, as late as it can, so that it gathers in few programs,
// and what is used in one program alone never leaves the cache.
//
// Places: results that others read get memory. What is put side by side is made side by side. A
// product is added onto the sum that it belongs to, where that stands in memory of its own. An
// element-wise result goes over an operand that nobody reads afterwards: so the gates of an LSTM
// lie where their pre-activations lay.
#include <algorithm>
#include <map>
#include <set>

#include "rewind/autograd/engine/element_form.h"
#include "rewind/autograd/engine/facts.h"
#include "rewind/autograd/engine/program.h"
#include "rewind/autograd/engine/simplify.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

bool contains(const std::vector<ValueId>& values, ValueId value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

enum class Form : char { none, product, element, view, join, ordinary };

class Compiler {
 public:
  Compiler(Step step, Index batch, const ProgramOptions& options) : options_(options) {
    program_.step = std::move(step);
    program_.rows = rows_of(program_.step, batch);
    program_.fates = fates_of(program_.step, program_.rows, options.fates);
    program_.places.resize(at(graph().values()));
    depends_ = dependences(program_.step);
    collect_users();
  }

  Program run() && {
    do {
      choose_forms();
      plan_memory();
      choose_levels();
      gather_programs();
    } while (demote_masks_that_cross());
    place_results();
    emit();
    finish();
    program_.rows_apart = std::none_of(program_.loop.begin(), program_.loop.end(),
                                       [](const Instruction& i) {
                                         return std::holds_alternative<OrdinaryInstruction>(i);
                                       }) &&
                          program_.fates.accumulated.empty();
    find_mixing();
    return std::move(program_);
  }

 private:
  void find_mixing() {
    const Step& step = program_.step;
    const std::vector<bool> live = live_values(graph(), step.results());
    for (std::size_t n = 0; n < nodes().size() && program_.mixing.empty(); n++) {
      const bool mixes = live[at(nodes()[n].first)] && program_.rows.effect[n] == RowEffect::mixed;
      if (mixes) program_.mixing = nodes()[n].operation.text();
    }
    for (const ValueId y : step.outputs) {
      const bool rows =
          invariant(y) ? spec(y).rank() > 0 && spec(y).dim(0) == program_.rows.batch : has_rows(y);
      if (!rows && program_.mixing.empty()) program_.mixing = "an output " + to_string(spec(y));
    }
    program_.rows_never_mix = program_.mixing.empty();
  }

  const Graph& graph() const { return program_.step.graph; }
  const std::vector<Graph::Node>& nodes() const { return graph().nodes(); }
  const Spec& spec(ValueId value) const { return graph().spec(value); }
  int node_of(ValueId value) const {
    const Graph::Node* maker = graph().maker(value);
    return maker ? static_cast<int>(maker - nodes().data()) : -1;
  }
  Form form_of(ValueId value) const {
    const int n = node_of(value);
    return n < 0 ? Form::none : forms_[at(n)];
  }
  bool stacked(ValueId value) const { return program_.fates.stacked[at(value)]; }
  bool invariant(ValueId value) const { return depends_[at(value)] == Dependence::nothing; }
  // [batch, ...]: rows along the first axis.
  bool has_rows(ValueId value) const { return program_.rows.axis_of(value) == 0; }
  Index columns(ValueId value) const {
    const Index count = spec(value).shape.count();
    return has_rows(value) ? count / std::max<Index>(program_.rows.batch, 1) : count;
  }

  // ---- users

  bool in_loop(std::size_t n) const {
    return runs_in_loop(program_.fates.node[n]) && !invariant(nodes()[n].first);
  }

  void collect_users() {
    users_.resize(at(graph().values()));
    for (std::size_t n = 0; n < nodes().size(); n++) {
      if (!in_loop(n)) continue;
      for (const ValueId x : nodes()[n].inputs) {
        auto& users = users_[at(x)];
        if (users.empty() || users.back() != static_cast<int>(n))
          users.push_back(static_cast<int>(n));
      }
    }
    for (const ValueId y : program_.step.next) wanted_at_end_.insert(y);
    for (const int s : program_.fates.accumulated) {
      wanted_at_end_.insert(program_.step.sums[at(s)]);
    }
  }
  const std::vector<int>& users(ValueId value) const { return users_[at(value)]; }
  // Whether anyone but instructions of the loop reads it.
  bool leaves_the_step(ValueId value) const {
    return stacked(value) || wanted_at_end_.contains(value);
  }

  // ---- forms

  void choose_forms() {
    forms_.assign(nodes().size(), Form::none);
    last_level_ = 0;
    for (std::size_t n = 0; n < nodes().size(); n++) {
      if (!in_loop(n)) continue;
      const Graph::Node& node = nodes()[n];
      forms_[n] = is_packed_product(node)                                       ? Form::product
                  : is_contiguous_part(node)                                    ? Form::view
                  : is_join(node)                                               ? Form::join
                  : is_element(node) && !demoted_.contains(static_cast<int>(n)) ? Form::element
                                                                                : Form::ordinary;
    }
    // A mask lives inside one program only.
    for (std::size_t n = nodes().size(); n-- > 0;) {
      if (forms_[n] != Form::element || is_float(spec(nodes()[n].first).dtype)) continue;
      const auto& readers = users(nodes()[n].first);
      const bool inside = !leaves_the_step(nodes()[n].first) &&
                          std::all_of(readers.begin(), readers.end(),
                                      [&](int user) { return forms_[at(user)] == Form::element; });
      if (!inside) forms_[n] = Form::ordinary;
    }
    demote_readers_of_ordinary_masks();
  }

  void demote_readers_of_ordinary_masks() {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t n = 0; n < nodes().size(); n++) {
        if (forms_[n] != Form::element) continue;
        const auto reads = [&](ValueId x) {
          return is_float(spec(x).dtype) || filled_with(graph(), x) || form_of(x) == Form::element;
        };
        const auto& in = nodes()[n].inputs;
        const bool mask_is_read_elsewhere =
            !is_float(spec(nodes()[n].first).dtype) &&
            !std::all_of(users(nodes()[n].first).begin(), users(nodes()[n].first).end(),
                         [&](int user) { return forms_[at(user)] == Form::element; });
        if (std::all_of(in.begin(), in.end(), reads) && !mask_is_read_elsewhere) continue;
        forms_[n] = Form::ordinary;
        changed = true;
      }
    }
  }

  bool is_matrix(ValueId value) const {
    return has_rows(value) && is_float(spec(value).dtype) && columns(value) > 0;
  }

  bool is_packed_product(const Graph::Node& node) const {
    if (!options_.pack || !node.operation.is<MatMul>()) return false;
    const ValueId a = node.inputs[0], b = node.inputs[1];
    return spec(a).rank() == 2 && spec(b).rank() == 2 && invariant(b) && !invariant(a) &&
           is_matrix(a) && is_matrix(node.first) && program_.rows.each_of(a) == 1;
  }

  // A view whose rows are parts of the rows of what it views: consecutive numbers of them.
  bool is_contiguous_part(const Graph::Node& node) const {
    if (!is_view(node.operation)) return false;
    const ValueId x = node.inputs[0];
    if (!has_rows(x) || !has_rows(node.first) || columns(node.first) == 0) return false;
    if (node.operation.is<Reshape>() || node.operation.is<Contiguous>()) return true;
    const auto* slice = node.operation.as<Slice>();
    const auto* select = node.operation.as<Select>();
    if ((!slice && !select) || program_.rows.each_of(x) != 1) return false;
    if (slice && slice->step != 1) return false;
    for (int axis = 1; axis < (slice ? slice->axis : select->axis); axis++) {
      if (spec(x).dim(axis) != 1) return false;
    }
    return true;
  }
  Index first_column(const Graph::Node& node) const {
    const auto* slice = node.operation.as<Slice>();
    const auto* select = node.operation.as<Select>();
    if (!slice && !select) return 0;
    const int axis = static_cast<int>(slice ? slice->axis : select->axis);
    Index each = 1;
    for (int i = axis + 1; i < spec(node.inputs[0]).rank(); i++)
      each *= spec(node.inputs[0]).dim(i);
    return each * (slice ? slice->start : select->position);
  }

  // Values side by side in each row.
  bool is_join(const Graph::Node& node) const {
    const auto* concat = node.operation.as<Concat>();
    if (!concat || !options_.fuse || program_.rows.each_of(node.first) != 1 ||
        concat->axis != spec(node.first).rank() - 1)
      return false;
    if (spec(node.first).rank() != 2 || !is_matrix(node.first)) return false;
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId x) {
      return has_rows(x) && (!invariant(x) || filled_with(graph(), x));
    });
  }

  bool is_element(const Graph::Node& node) const {
    if (!options_.fuse || !has_element_form(node.operation)) return false;
    const ValueId y = node.first;
    if (!has_rows(y) || columns(y) == 0) return false;
    if (!is_float(spec(y).dtype) && spec(y).dtype != boolean) return false;
    const Dtype dtype = number_dtype(node);
    return is_float(dtype) && std::all_of(node.inputs.begin(), node.inputs.end(),
                                          [&](ValueId x) { return fits(x, y, dtype).has_value(); });
  }
  // The dtype in which an element-wise operation calculates.
  Dtype number_dtype(const Graph::Node& node) const {
    if (is_float(spec(node.first).dtype)) return spec(node.first).dtype;
    for (const ValueId x : node.inputs) {
      if (is_float(spec(x).dtype)) return spec(x).dtype;
    }
    return masks_dtype(node);
  }
  // Of an operation between masks: that of the numbers which they compare.
  Dtype masks_dtype(const Graph::Node& node) const {
    for (const ValueId x : node.inputs) {
      const Graph::Node* maker = graph().maker(x);
      if (maker && has_element_form(maker->operation)) return number_dtype(*maker);
    }
    return spec(node.first).dtype;
  }

  // How a kernel steps through x beside a result y.
  struct Steps {
    bool by_row, by_column;
  };
  std::optional<Steps> fits(ValueId x, ValueId y, Dtype dtype) const {
    if (filled_with(graph(), x)) return Steps{false, false};
    const Dims &from = spec(x).shape, &to = spec(y).shape;
    const bool mask = spec(x).dtype == boolean && form_could_be_mask(x);
    if (spec(x).dtype != dtype && !mask) return {};
    if (has_rows(x)) {
      if (from == to) return Steps{true, true};
      const bool single = columns(x) == 1 && program_.rows.each_of(y) == 1;
      if (from.rank() == to.rank() && single && !mask) return Steps{true, false};
      return {};
    }
    if (!invariant(x) || program_.rows.axis_of(x) != Rows::kNone) return {};
    if (from.count() == 1) return Steps{false, false};
    if (from.count() != columns(y) || program_.rows.each_of(y) != 1) return {};
    for (int i = 1; i <= std::min(from.rank(), to.rank() - 1); i++) {
      if (from[from.rank() - i] != to[to.rank() - i]) return {};
    }
    return Steps{false, true};
  }
  bool form_could_be_mask(ValueId x) const {
    const Graph::Node* maker = graph().maker(x);
    return maker && !invariant(x) && has_element_form(maker->operation);
  }

  // ---- levels

  bool heavy(Form form) const { return form == Form::product || form == Form::ordinary; }

  int level_of(std::size_t n) {
    if (level_[n] >= 0) return level_[n];
    int level = 0;
    for (const ValueId x : nodes()[n].inputs) {
      if (form_of(x) != Form::none) level = std::max(level, level_of(at(node_of(x))));
    }
    if (heavy(forms_[n])) level++;
    if (const auto sum = accumulates_.find(nodes()[n].first); sum != accumulates_.end()) {
      level = std::max(level, level_after(sum->second, static_cast<int>(n)));
    }
    return level_[n] = level;
  }
  // The first level at which a product can be added onto u.
  int level_after(ValueId u, int product) {
    if (form_of(u) == Form::none) return 0;
    const auto n = at(node_of(u));
    if (const auto sum = sums_in_place_.find(u); sum != sums_in_place_.end()) {
      int level = level_after(sum->second, product);
      for (const ValueId x : nodes()[n].inputs) {
        if (accumulates_.contains(x)) level = std::max(level, level_after_product(x, product));
      }
      return level;
    }
    return forms_[n] == Form::product ? level_after_product(u, product) : level_of(n) + 1;
  }
  // Those of one level run in their order.
  int level_after_product(ValueId earlier, int product) {
    const int n = node_of(earlier);
    return level_of(at(n)) + (n > product);
  }

  void choose_levels() {
    level_.assign(nodes().size(), -1);
    for (std::size_t n = 0; n < nodes().size(); n++) {
      if (forms_[n] != Form::none) last_level_ = std::max(last_level_, level_of(n));
    }
    std::map<ValueId, int> product_onto;
    for (const auto& [product, sum] : accumulates_) product_onto[sum] = node_of(product);
    group_.assign(nodes().size(), last_level_);
    for (std::size_t n = nodes().size(); n-- > 0;) {
      if (forms_[n] == Form::none) continue;
      if (heavy(forms_[n])) {
        group_[n] = level_[n];
        continue;
      }
      for (int i = 0; i < nodes()[n].results; i++) {
        for (const int user : users(nodes()[n].first + i)) {
          const int before = heavy(forms_[at(user)]) ? level_[at(user)] - 1 : group_[at(user)];
          group_[n] = std::min(group_[n], before);
        }
      }
      const auto onto = product_onto.find(nodes()[n].first);
      if (onto != product_onto.end() && !sums_in_place_.contains(onto->first)) {
        group_[n] = std::min(group_[n], level_[at(onto->second)] - 1);
      }
    }
  }

  // ---- places

  Place new_buffer(Buffer buffer) {
    program_.buffers.push_back(buffer);
    return {static_cast<int>(program_.buffers.size()) - 1, 0};
  }
  Place new_buffer(Buffer::Kind kind, ValueId value) {
    return new_buffer({kind, value, spec(value).dtype, columns(value), has_rows(value)});
  }
  std::optional<Place>& place(ValueId value) { return program_.places[at(value)]; }
  Buffer::Kind memory_for(ValueId value) const {
    return stacked(value) ? Buffer::stack : Buffer::local;
  }

  // Of what does not belong to the loop: found when it is first read.
  Place source_place(ValueId value) {
    if (place(value)) return *place(value);
    const int n = node_of(value);
    Buffer::Kind kind = Buffer::constant;
    if (n >= 0 && program_.fates.node[at(n)] == Fate::before) {
      kind = Buffer::before;
    } else if (contains(program_.step.inputs, value)) {
      kind = Buffer::input;
    } else if (contains(program_.step.states, value)) {
      kind = Buffer::state;
    }
    require(kind != Buffer::constant || invariant(value), "compile: %{} fate {} of\n{}", value,
            n < 0 ? -1 : int(program_.fates.node[at(n)]), to_string(program_.step));
    place(value) = new_buffer(kind, value);
    return *place(value);
  }
  Place place_of(ValueId value) {
    if (form_of(value) == Form::none) return source_place(value);
    if (!place(value)) place_node(at(node_of(value)));  // a term may stand behind its sum
    return place(value).value();
  }

  // What is made inside of what, and what is added onto what.
  void plan_memory() {
    inside_.clear(), needs_stack_.clear(), copies_.clear();
    accumulates_.clear(), sums_in_place_.clear();
    for (std::size_t n = 0; n < nodes().size(); n++) {
      if (forms_[n] == Form::join) plan_join(n);
      if (forms_[n] == Form::element) plan_addition(n);
    }
  }

  void place_results() {
    for (std::size_t n = 0; n < nodes().size(); n++) {
      if (!place(nodes()[n].first)) place_node(n);
    }
  }

  void place_node(std::size_t n) {
    const ValueId y = nodes()[n].first;
    switch (forms_[n]) {
      case Form::none:
        break;
      case Form::view: {
        Place part = place_of(nodes()[n].inputs[0]);
        part.column += first_column(nodes()[n]);
        place(y) = part;
        break;
      }
      case Form::join:
        place(y) = new_buffer(needs_stack_.contains(y) ? Buffer::stack : memory_for(y), y);
        break;
      case Form::product:
        place_product(y);
        break;
      case Form::element:
        if (is_float(spec(y).dtype)) place_element(n);
        break;
      case Form::ordinary:
        for (int i = 0; i < nodes()[n].results; i++) place(y + i) = new_buffer(Buffer::made, y + i);
        break;
    }
  }

  // The whole that a value is made inside of, if it is.
  void plan_join(std::size_t n) {
    const Graph::Node& node = nodes()[n];
    const bool needs_stack =
        stacked(node.first) ||
        std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId x) { return stacked(x); });
    Index column = 0;
    for (const ValueId part : node.inputs) {
      const Form form = form_of(part);
      const bool made_here = (form == Form::product || form == Form::element) &&
                             is_float(spec(part).dtype) && !inside_.contains(part) &&
                             !accumulates_.contains(part) && !sums_in_place_.contains(part);
      if (made_here) {
        inside_[part] = {node.first, column};
      } else {
        copies_.push_back({part, node.first, column, static_cast<int>(n)});
      }
      column += columns(part);
    }
    if (needs_stack) needs_stack_.insert(node.first);
  }

  Place place_inside(ValueId part) {
    const auto [whole, column] = inside_.at(part);
    const Place outer = place_of(whole);
    return {outer.buffer, outer.column + column};
  }

  // u + p, where p is a product that only this sum reads: it is added onto u, where u stands in
  // memory that nobody else reads.
  void plan_addition(std::size_t n) {
    const Graph::Node& node = nodes()[n];
    if (!options_.alias || !node.operation.is<Add>() || inside_.contains(node.first)) return;
    for (const std::size_t i : {1u, 0u}) {
      const ValueId p = node.inputs[i], u = node.inputs[1 - i];
      if (form_of(p) != Form::product || users(p).size() != 1 || leaves_the_step(p)) continue;
      if (inside_.contains(p) || spec(u) != spec(node.first) || u == p) continue;
      if (!can_be_overwritten(u) || users(u).size() != 1) continue;
      accumulates_[p] = u;
      sums_in_place_[node.first] = u;
      return;
    }
  }
  // A value in memory of its own, which its one reader may change.
  bool can_be_overwritten(ValueId u) const {
    const int n = node_of(u);
    if (n < 0 || leaves_the_step(u)) return false;
    if (program_.fates.node[at(n)] == Fate::before) {
      return !is_view(nodes()[at(n)].operation) && !contains(program_.step.outputs, u) &&
             !read_outside(u);
    }
    if (inside_.contains(u)) return false;
    return form_of(u) == Form::product || (form_of(u) == Form::element && is_float(spec(u).dtype));
  }
  // Whether work before or after the loop reads it, too.
  bool read_outside(ValueId u) const {
    for (std::size_t n = 0; n < nodes().size(); n++) {
      const Fate fate = program_.fates.node[n];
      if (fate != Fate::before && !runs_after(fate)) continue;
      if (contains(nodes()[n].inputs, u)) return true;
    }
    return false;
  }

  void place_product(ValueId y) {
    if (const auto found = accumulates_.find(y); found != accumulates_.end()) {
      place(y) = place_of(found->second);
    } else if (inside_.contains(y)) {
      place(y) = place_inside(y);
    } else {
      place(y) = new_buffer(memory_for(y), y);
    }
  }

  void place_element(std::size_t n) {
    const ValueId y = nodes()[n].first;
    if (const auto sum = sums_in_place_.find(y); sum != sums_in_place_.end()) {
      place(y) = place_of(sum->second);
    } else if (inside_.contains(y)) {
      place(y) = place_inside(y);
    } else if (needs_memory(n)) {
      const std::optional<Place> over = over_an_operand(n);
      place(y) = over ? *over : new_buffer(memory_for(y), y);
    }
  }
  bool needs_memory(std::size_t n) const {
    const ValueId y = nodes()[n].first;
    return leaves_the_step(y) || std::any_of(users(y).begin(), users(y).end(), [&](int user) {
             return forms_[at(user)] != Form::element || program_of_[at(user)] != program_of_[n];
           });
  }

  // The place of an operand that nobody reads after this operation: a part of what a sum in place,
  // or work before the loop, left in memory of all steps.
  std::optional<Place> over_an_operand(std::size_t n) {
    if (!options_.alias) return {};
    for (const ValueId x : nodes()[n].inputs) {
      if (spec(x) != spec(nodes()[n].first) || users(x).size() != 1 || leaves_the_step(x)) continue;
      const ValueId whole = viewed(x);
      if (form_of(base_of(whole)) != Form::none) continue;  // memory of one step
      if (whole_can_be_overwritten(whole, x)) return place_of(x);
    }
    return {};
  }
  // What a sum in place began with.
  ValueId base_of(ValueId u) const {
    while (sums_in_place_.contains(u)) u = sums_in_place_.at(u);
    return u;
  }
  ValueId viewed(ValueId x) const {
    while (form_of(x) == Form::view) x = graph().maker(x)->inputs[0];
    return x;
  }
  bool whole_can_be_overwritten(ValueId whole, ValueId part) const {
    if (leaves_the_step(whole)) return false;
    if (!sums_in_place_.contains(whole) && !can_be_overwritten(whole)) return false;
    if (whole == part) return users(whole).size() == 1;
    // All others must look at other columns.
    const Graph::Node& own = *graph().maker(part);
    if (own.inputs[0] != whole || !own.operation.is<Slice>()) return false;
    const Slice& mine = *own.operation.as<Slice>();
    return std::all_of(users(whole).begin(), users(whole).end(), [&](int user) {
      const auto* other = nodes()[at(user)].operation.as<Slice>();
      if (nodes()[at(user)].first == part) return true;
      return other && other->axis == mine.axis && other->step == 1 &&
             (other->stop <= mine.start || mine.stop <= other->start);
    });
  }

  // ---- instructions

  void emit() {
    std::size_t next_program = 0;
    for (int level = 0; level <= last_level_; level++) {
      for (std::size_t n = 0; n < nodes().size(); n++) {
        if (level_[n] != level) continue;
        if (forms_[n] == Form::product) emit_product(nodes()[n]);
        if (forms_[n] == Form::ordinary) emit_ordinary(n);
      }
      for (; next_program < gathered_.size() && gathered_[next_program].level == level;
           next_program++) {
        emit_program(gathered_[next_program]);
      }
    }
  }

  // What is remembered for every step and does not lie in memory of all steps; and next states that
  // lie where another state does.
  void finish() {
    program_.stacks.resize(at(graph().values()));
    for (ValueId v = 0; v < graph().values(); v++) {
      if (!stacked(v)) continue;
      const Place from = place_of(v);
      const Buffer::Kind kind = program_.buffers[at(from.buffer)].kind;
      const bool stays = kind == Buffer::stack || kind == Buffer::before || kind == Buffer::input;
      program_.stacks[at(v)] = stays ? from : copied(v, from, Buffer::stack);
    }
    for (const ValueId v : program_.step.next) {
      const Place from = place_of(v);
      const bool moves = program_.buffers[at(from.buffer)].kind == Buffer::state;
      program_.next.push_back(moves ? copied(v, from, Buffer::local) : from);
    }
    for (const int s : program_.fates.accumulated) place_of(program_.step.sums[at(s)]);
    for (const ValueId x : program_.step.states) place_of(x);
  }
  Place copied(ValueId value, Place from, Buffer::Kind kind) {
    const Place to = new_buffer(kind, value);
    program_.loop.push_back(CopyInstruction{from, to, columns(value)});
    return to;
  }

  int packed(ValueId b) {
    const auto found = std::find(program_.packed.begin(), program_.packed.end(), b);
    if (found != program_.packed.end()) return static_cast<int>(found - program_.packed.begin());
    program_.packed.push_back(b);
    return static_cast<int>(program_.packed.size()) - 1;
  }

  void emit_product(const Graph::Node& node) {
    const ValueId y = node.first;
    program_.loop.push_back(ProductInstruction{
        y,
        {place_of(node.inputs[0])},
        {*place(y)},
        packed(node.inputs[1]),
        spec(node.inputs[0]).shape.back(),
        spec(y).shape.back(),
        accumulates_.contains(y),
    });
  }

  void emit_ordinary(std::size_t n) {
    const Graph::Node& node = nodes()[n];
    for (const ValueId x : node.inputs) place_of(x);
    program_.loop.push_back(OrdinaryInstruction{static_cast<int>(n)});
  }

  // ---- programs

  struct JoinCopy {
    ValueId part, whole;
    Index column;
    int node;  // of the join
  };
  // One piece of element-wise work: an operation, or a copy into a join.
  struct Piece {
    int node;
    int copy;  // in copies_, or -1
    Index columns;
    Dtype dtype;
  };
  struct Gathered {
    int level;
    std::vector<Piece> pieces;
  };

  void gather_programs() {
    gathered_.clear();
    program_of_.assign(nodes().size(), -1);
    for (int level = 0; level <= last_level_; level++) {
      std::vector<Piece> pending = pieces_of(level);
      std::set<ValueId> waiting;
      for (const Piece& piece : pending) waiting.insert(result_of(piece));
      while (!pending.empty()) gather(level, pending, waiting);
    }
  }

  std::vector<Piece> pieces_of(int level) const {
    std::vector<Piece> pieces;
    for (std::size_t n = 0; n < nodes().size(); n++) {
      if (group_[n] != level) continue;
      const ValueId y = nodes()[n].first;
      if (forms_[n] == Form::element && !sums_in_place_.contains(y)) {
        pieces.push_back({static_cast<int>(n), -1, columns(y), number_dtype(nodes()[n])});
      }
      for (std::size_t c = 0; c < copies_.size(); c++) {
        if (copies_[c].node != static_cast<int>(n)) continue;
        const ValueId part = copies_[c].part;
        pieces.push_back({-1, static_cast<int>(c), columns(part), spec(part).dtype});
      }
    }
    return pieces;
  }

  // Takes all pieces of one width that can run one after the other.
  void gather(int level, std::vector<Piece>& pending, std::set<ValueId>& waiting) {
    const auto first = std::find_if(pending.begin(), pending.end(),
                                    [&](const Piece& piece) { return ready(piece, waiting); });
    const Piece model = *first;
    Gathered gathered{level, {}};
    for (auto next = first; next != pending.end();) {
      gathered.pieces.push_back(*next);
      if (next->node >= 0) program_of_[at(next->node)] = static_cast<int>(gathered_.size());
      waiting.erase(result_of(*next));
      pending.erase(next);
      next = std::find_if(pending.begin(), pending.end(), [&](const Piece& piece) {
        return piece.columns == model.columns && piece.dtype == model.dtype &&
               ready(piece, waiting);
      });
    }
    gathered_.push_back(std::move(gathered));
  }

  // A copy has no value of its own; its number stands for it, negative.
  static ValueId result_of_copy(int copy) { return -1 - copy; }
  ValueId result_of(const Piece& piece) const {
    return piece.copy >= 0 ? result_of_copy(piece.copy) : nodes()[at(piece.node)].first;
  }
  bool ready(const Piece& piece, const std::set<ValueId>& waiting) const {
    if (piece.copy >= 0) return !rests_on(copies_[at(piece.copy)].part, waiting);
    const auto& in = nodes()[at(piece.node)].inputs;
    return std::none_of(in.begin(), in.end(), [&](ValueId x) { return rests_on(x, waiting); });
  }
  // Whether a value is complete only when some of these are.
  bool rests_on(ValueId value, const std::set<ValueId>& waiting) const {
    if (waiting.contains(value)) return true;
    if (sums_in_place_.contains(value)) return rests_on(sums_in_place_.at(value), waiting);
    const Form form = form_of(value);
    if (form != Form::view && form != Form::join) return false;
    for (std::size_t c = 0; c < copies_.size(); c++) {
      if (copies_[c].whole == value && waiting.contains(result_of_copy(static_cast<int>(c)))) {
        return true;
      }
    }
    const auto& in = graph().maker(value)->inputs;
    return std::any_of(in.begin(), in.end(), [&](ValueId x) { return rests_on(x, waiting); });
  }

  // A mask lives inside one program: where a reader came into another one, it is made by its own
  // kernel, and everything is settled anew.
  bool demote_masks_that_cross() {
    bool any = false;
    for (std::size_t n = 0; n < nodes().size(); n++) {
      if (forms_[n] != Form::element || is_float(spec(nodes()[n].first).dtype)) continue;
      for (const int user : users(nodes()[n].first)) {
        if (program_of_[at(user)] != program_of_[n])
          any |= demoted_.insert(static_cast<int>(n)).second;
      }
    }
    return any;
  }

  void emit_program(const Gathered& gathered) {
    ElementInstruction instruction{
        {}, {}, gathered.pieces[0].columns, gathered.pieces[0].dtype, {}};
    ElementWriter writer;
    std::map<ValueId, ElementWriter::Handle> handles;
    for (const Piece& piece : gathered.pieces) write(piece, instruction, writer, handles);
    instruction.program = writer.finished();
    program_.loop.push_back(std::move(instruction));
  }

  ElementWriter::Handle operand(ElementInstruction& instruction, ElementWriter& writer, Operand o) {
    for (std::size_t i = 0; i < instruction.operands.size(); i++) {
      const Operand& known = instruction.operands[i];
      if (known.place.buffer == o.place.buffer && known.place.column == o.place.column &&
          known.by_row == o.by_row && known.by_column == o.by_column) {
        return ElementWriter::Handle{static_cast<int>(i)};
      }
    }
    instruction.operands.push_back(o);
    return writer.operand();
  }

  void write(const Piece& piece, ElementInstruction& instruction, ElementWriter& writer,
             std::map<ValueId, ElementWriter::Handle>& handles) {
    const auto argument = [&](ValueId x, ValueId y) {
      if (const auto known = handles.find(x); known != handles.end()) return known->second;
      if (const double* number = filled_with(graph(), x)) return writer.constant(*number);
      const Steps steps = *fits(x, y, instruction.dtype);
      const Place place = place_of(x);
      const bool by_row = steps.by_row && program_.buffers[at(place.buffer)].rows;
      return operand(instruction, writer, {place, by_row, steps.by_column});
    };
    if (piece.copy >= 0) {
      const JoinCopy& copy = copies_[at(piece.copy)];
      const Place whole = *place(copy.whole);
      const auto to = operand(instruction, writer, {{whole.buffer, whole.column + copy.column}});
      writer.instruction(kernels::ElementCode::copy, to, argument(copy.part, copy.part));
      return;
    }
    const Graph::Node& node = nodes()[at(piece.node)];
    std::vector<ElementWriter::Handle> arguments;
    for (const ValueId x : node.inputs) arguments.push_back(argument(x, node.first));
    const auto result =
        place(node.first) ? operand(instruction, writer, {*place(node.first)}) : writer.temporary();
    writer.append(node.operation, result, arguments);
    handles[node.first] = result;
    instruction.values.push_back(node.first);
  }

  const ProgramOptions& options_;
  Program program_;
  std::vector<Dependence> depends_;
  std::vector<std::vector<int>> users_;  // by value: nodes of the loop
  std::set<ValueId> wanted_at_end_;
  std::vector<Form> forms_;  // by node
  std::vector<int> level_;   // by node: of a heavy one, and the least for the rest
  std::vector<int> group_;   // by node: the level after which element-wise work is done
  int last_level_ = 0;
  std::vector<Gathered> gathered_;                       // programs, in order
  std::vector<int> program_of_;                          // by node: in gathered_
  std::set<int> demoted_;                                // nodes: masks that no program can hold
  std::map<ValueId, std::pair<ValueId, Index>> inside_;  // part: its whole, the first column
  std::set<ValueId> needs_stack_;                        // wholes with a part that does
  std::vector<JoinCopy> copies_;
  std::map<ValueId, ValueId> accumulates_;    // product: what it is added onto
  std::map<ValueId, ValueId> sums_in_place_;  // sum: the term in whose place it comes about
};

}  // namespace

Program compile(Step step, Index batch, const ProgramOptions& options) {
  return Compiler(std::move(step), batch, options).run();
}

}  // namespace rw::engine
