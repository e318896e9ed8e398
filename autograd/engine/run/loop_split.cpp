#include "rewind/autograd/engine/run/loop_split.h"

#include <algorithm>

#include "rewind/tensor/parallel.h"

namespace rw::engine {
namespace {

constexpr Index kLeastRows = 8;        // of a product, in about the time of 4
constexpr Index kLeastWork = 400000;   // multiply-adds: 10 us, where waking a worker takes up to 5
constexpr Index kLeastStep = 1 << 15;  // of one step: 1 us; waiting takes from 0.2 us on
constexpr Index kLeastWait = 1 << 14;  // for each time that workers wait in it
constexpr Index kOfAnElement = 8;      // multiply-adds in the time of an element-wise instruction
constexpr Index kLarge = Index{4} << 20;  // bytes of packed matrices that each worker would read

struct Work {
  Index row = 0;            // of a step, in multiply-adds of a product
  Index packed = 0;         // bytes that a step reads, whatever its rows
  bool by_kernels = false;  // some of it by ordinary ones, which make all columns
};

// By what it reads or writes, whichever is more, or by its multiplications.
Index work_of_a_row(const Program& program, const OrdinaryInstruction& ordinary) {
  const Graph& graph = program.step.graph;
  const Graph::Node& node = graph.nodes()[static_cast<std::size_t>(ordinary.node)];
  const Index results = graph.spec(node.first).shape.count();
  Index most = results;
  for (const ValueId x : node.inputs) {
    if (program.rows.axis_of(x) != Rows::kNone) most = std::max(most, graph.spec(x).shape.count());
  }
  const Index terms = ordinary.packed >= 0 ? graph.spec(node.inputs[0]).shape.back() : 0;
  return std::max(kOfAnElement * most, results * terms) / std::max<Index>(program.rows.batch, 1);
}

Work work_of(const Program& program) {
  Work work;
  for (const Instruction& instruction : program.loop) {
    if (const auto* product = std::get_if<ProductInstruction>(&instruction)) {
      const Buffer& c = program.buffers[static_cast<std::size_t>(product->c.place.buffer)];
      work.row += product->k * product->n;
      work.packed += product->k * product->n * bytes_of(c.dtype);
    } else if (const auto* elements = std::get_if<ElementInstruction>(&instruction)) {
      work.row += kOfAnElement * elements->columns * std::ssize(elements->program.instructions);
    } else if (const auto* ordinary = std::get_if<OrdinaryInstruction>(&instruction)) {
      work.row += work_of_a_row(program, *ordinary);
      work.by_kernels = true;
    } else if (std::holds_alternative<ArrangeInstruction>(instruction)) {
      work.by_kernels = true;
    }
  }
  return work;
}

LoopSplit alone(const Program& program, std::string_view why) {
  return {.by = LoopSplit::rows, .most_rows = program.rows.batch, .why = why};
}

}  // namespace

LoopSplit loop_split(const Program& program) {
  const Index batch = program.rows.batch;
  if (!program.together.empty()) return alone(program, program.together);
  const int threads = thread_count();
  if (threads == 1) return alone(program, "there is one thread");
  const Work work = work_of(program);
  if (program.share_columns && !work.by_kernels) return {LoopSplit::columns, threads, batch};
  const Index step = work.row * batch;
  if (step == 0) return alone(program, "the loop does nothing but copy");
  const Index each = count_of_parts(batch, threads);
  if (each >= kLeastRows && (work.packed < kLarge || work.by_kernels)) {
    return {LoopSplit::rows, static_cast<int>(count_of_parts(batch, each)), each,
            count_of_parts(kLeastWork, each * work.row)};
  }
  if (work.by_kernels) return alone(program, "they are few, and ordinary kernels make all columns");
  if (step < std::max(kLeastStep, kLeastWait * waits_of_a_step(program))) {
    return alone(program, "a step takes less time than waiting for others");
  }
  const int processors = std::min(threads, processor_count());  // who waits should run
  const auto team = static_cast<int>(std::min<Index>(processors, program.columns.most_workers()));
  if (processors == 1) return alone(program, "there is one processor");
  if (team == 1) return alone(program, "the columns are too few to share");
  return {LoopSplit::columns, team, batch, count_of_parts(kLeastWork, count_of_parts(step, team))};
}

int waits_of_a_step(const Program& program) {
  const auto copied = [](const HandOver& over) { return over.kind == HandOver::copied; };
  const bool by_rows = !program.fates.accumulated.empty() ||
                       std::any_of(program.states.begin(), program.states.end(), copied);
  return program.columns.waits_of_a_step() + (by_rows ? 2 : 0);
}

}  // namespace rw::engine
