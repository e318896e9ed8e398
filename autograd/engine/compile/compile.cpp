// From a step to the instructions of its loop. The stages stand beside this file, each on those
// before:
//
//   loop_body   what belongs to the loop, and who reads what
//   forms       what each operation is run as
//   in_place    what is made in the place where it is wanted
//   schedule    the order, and what gathers in one element program
//   settled     those three, until they agree
//   places      where values lie
//
// Here the instructions are written down; elements_writer.h writes one element program.
#include <algorithm>
#include <utility>

#include "rewind/autograd/engine/compile/elements_writer.h"
#include "rewind/autograd/engine/compile/rows_apart.h"
#include "rewind/autograd/engine/compile/stretch_length.h"
#include "rewind/tensor/matmul.h"

namespace rw::engine {
namespace {

class Compiler {
 public:
  Compiler(Program& program, const ProgramOptions& options, const InPlace* like = nullptr)
      : program_(program),
        body_(program.step, program.rows, program.fates),
        settled_(body_, options, like),
        places_(body_, settled_.forms(), settled_.in_place(), settled_.schedule(), options) {}

  void run() {
    write_recipes();
    write_loop();
    program_.stacks.resize(at(body_.graph().values()));
    if (settled_.options().single_steps) {
      for (const ValueId y : program_.step.outputs) places_.of(y);
    } else {
      remember_stacks();
    }
    hand_over_states();
    for (const int s : program_.fates.accumulated) places_.of(program_.step.sums[at(s)]);
    program_.places = places_.all();
    program_.buffers = std::move(places_).take_buffers();
    program_.together = why_rows_stay_together(program_);
    program_.columns = ColumnSplit(program_);
  }

 private:
  void write_loop() {
    const Schedule& schedule = settled_.schedule();
    auto next = schedule.programs().begin();
    for (int level = 0; level < schedule.levels(); level++) {
      for (int n = 0; n < body_.count(); n++) {
        if (schedule.level(n) != level) continue;
        if (settled_.forms().of(n) == Form::product) write_product(body_.node(n));
        if (settled_.forms().of(n) == Form::ordinary) write_ordinary(n);
      }
      for (; next != schedule.programs().end() && next->level == level; ++next) {
        ElementsWriter writer(body_, settled_, places_, next->pieces[0]);
        for (const Piece& piece : next->pieces) writer.write(piece);
        program_.loop.push_back(std::move(writer).finished());
      }
    }
  }

  void write_product(const Graph::Node& node) {
    const ValueId a = node.inputs[0], y = node.first;
    program_.loop.push_back(ProductInstruction{y,
                                               {places_.of(a)},
                                               {places_.of(y)},
                                               packed(node.inputs[1]),
                                               body_.spec(a).shape.back(),
                                               body_.spec(y).shape.back(),
                                               settled_.in_place().added_onto(y) >= 0});
  }
  int packed(ValueId w) {
    const auto found = std::find(program_.packed.begin(), program_.packed.end(), w);
    if (found == program_.packed.end()) {
      program_.packed.push_back(w);
      return static_cast<int>(program_.packed.size()) - 1;
    }
    return static_cast<int>(found - program_.packed.begin());
  }

  // Of the matrices that products have on their right, wherever they run.
  void write_recipes() {
    for (const Graph::Node& node : body_.nodes()) {
      if (!node.operation.is<MatMul>()) continue;
      const ValueId w = node.inputs[1];
      const Spec& spec = body_.spec(w);
      if (!body_.invariant(w) || spec.rank() != 2 || !is_float(spec.dtype)) continue;
      if (body_.rows().axis_of(w) != Rows::kNone) continue;
      program_.recipes.try_emplace(w, recipe_of(program_.step, w));
    }
  }

  void write_ordinary(int n) {
    const Graph::Node& node = body_.node(n);
    for (const ValueId x : node.inputs) places_.of(x);
    const bool by_packed = program_.is_packed_product(node);
    program_.loop.push_back(OrdinaryInstruction{n, by_packed ? packed(node.inputs[1]) : -1});
  }

  // What is remembered for every step is copied where it lies in memory of one.
  void remember_stacks() {
    for (ValueId v = 0; v < body_.graph().values(); v++) {
      if (!body_.stacked(v)) continue;
      if (body_.rows().axis_of(v) > 0) {
        program_.stacks[at(v)] = arranged(v);
        continue;
      }
      const Place from = places_.of(v);
      const Buffer::Kind kind = places_.buffer(from).kind;
      const bool stays = kind == Buffer::stack || kind == Buffer::before || kind == Buffer::input;
      program_.stacks[at(v)] = stays ? from : copied(v, from, Buffer::stack);
    }
  }

  Place arranged(ValueId value) {
    places_.of(value);
    const Place to = places_.new_stack_of_rows(value);
    program_.loop.push_back(ArrangeInstruction{value, to});
    return to;
  }

  void hand_over_states() {
    for (const ValueId x : program_.step.states) places_.of(x);
    std::set<int> taken;
    for (std::size_t k = 0; k < program_.step.states.size(); k++) {
      const ValueId x = program_.step.states[k], y = program_.step.next[k];
      HandOver state{HandOver::copied, places_.of(y)};
      const Buffer& memory = places_.buffer(state.next);
      const bool own = state.next.column == 0 && memory.width == body_.columns(y) && memory.rows &&
                       memory.dtype == body_.spec(y).dtype;
      if (own && memory.kind == Buffer::stack && taken.insert(state.next.buffer).second) {
        state.kind = HandOver::chained;
        if (program_.stacks[at(x)]) state.stack = program_.stacks[at(x)]->buffer;
      } else if (own && memory.kind == Buffer::local && taken.insert(state.next.buffer).second) {
        state.kind = HandOver::exchanged;
      } else if (memory.kind == Buffer::state) {
        // All states are read before any is written.
        state.next = copied(y, state.next, Buffer::local);
      }
      program_.states.push_back(state);
    }
  }

  Place copied(ValueId value, Place from, Buffer::Kind kind) {
    const Place to = places_.new_buffer(kind, value);
    const auto& states = program_.step.states;
    const auto state = std::find(states.begin(), states.end(), value);
    const bool remembers_state = kind == Buffer::stack && state != states.end();
    program_.loop.push_back(
        CopyInstruction{from, to, body_.columns(value),
                        remembers_state ? static_cast<int>(state - states.begin()) : -1});
    return to;
  }

  Program& program_;
  const LoopBody body_;
  const Settled settled_;
  Places places_;
};

std::vector<int> count_readers(const Step& step) {
  const std::vector<ValueId> results = step.results();
  std::vector<int> readers;
  for (const auto& users : users_of(step.graph, live_values(step.graph, results))) {
    readers.push_back(static_cast<int>(users.size()));
  }
  for (const ValueId y : results) readers[at(y)]++;
  return readers;
}

// What adds rows up behind the loop, unless it is made of such sums.
std::vector<int> totals_of(const Program& program) {
  std::vector<int> result;
  for (std::size_t n = 0; n < program.fates.node.size(); n++) {
    const Graph::Node& node = program.step.graph.nodes()[n];
    const bool made_of_totals = std::any_of(node.inputs.begin(), node.inputs.end(),
                                            [&](ValueId x) { return program.rows.is_total(x); });
    if (!runs_after(program.fates.node[n]) || made_of_totals) continue;
    if (program.rows.is_total(node.first)) result.push_back(static_cast<int>(n));
  }
  return result;
}

std::vector<bool> read_after_the_loop(const Step& step, const Fates& fates) {
  std::vector<bool> read(at(step.graph.values()), false);
  for (const ValueId y : step.results()) read[at(y)] = true;
  for (std::size_t n = 0; n < fates.node.size(); n++) {
    if (!runs_outside(fates.node[n])) continue;
    for (const ValueId x : step.graph.nodes()[n].inputs) read[at(x)] = true;
  }
  return read;
}

}  // namespace

bool Program::is_packed_product(const Graph::Node& node) const {
  const int axis = rows.axis_of(node.first), last = step.graph.spec(node.first).rank() - 1;
  return node.operation.is<MatMul>() && recipes.contains(node.inputs[1]) && axis != Rows::kNone &&
         axis < last;
}

Program compile(Step step, Index batch, const ProgramOptions& options) {
  Program program;
  program.step = std::move(step);
  program.by_table = options.by_table;
  program.over_inputs = options.alias;
  program.share_columns = options.share_columns;
  program.depends = dependences(program.step);
  program.readers = count_readers(program.step);
  program.rows = rows_of(program.step, batch);
  program.fates = fates_of(program.step, program.rows, options.fates);
  program.read_afterwards = read_after_the_loop(program.step, program.fates);
  program.mixing = what_mixes_rows(program.step, program.rows);
  program.totals = totals_of(program);
  if (!options.single_steps) {
    Compiler(program, options).run();
    program.steps_at_a_time =
        options.steps_at_a_time > 0 ? options.steps_at_a_time : steps_of_a_stretch(program);
    return program;
  }
  const Fates over_time =
      std::exchange(program.fates, fates_of(program.step, program.rows, {false, false}));
  const LoopBody body(program.step, program.rows, over_time);
  const Settled like(body, options, nullptr);
  Compiler(program, options, &like.in_place()).run();
  return program;
}

}  // namespace rw::engine
