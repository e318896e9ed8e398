// The part of a step that runs at every step of time, and what the stages of compiling ask of it.
#pragma once

#include "rewind/autograd/engine/compile/fates.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class LoopBody {
 public:
  // Keeps references to all three.
  LoopBody(const Step& step, const Rows& rows, const Fates& fates);

  const Step& step() const { return step_; }
  const Rows& rows() const { return rows_; }
  const Fates& fates() const { return fates_; }
  const Graph& graph() const { return step_.graph; }
  const std::vector<Graph::Node>& nodes() const { return step_.graph.nodes(); }
  const Graph::Node& node(int n) const { return nodes()[at(n)]; }
  int count() const { return static_cast<int>(nodes().size()); }

  const Spec& spec(ValueId value) const { return graph().spec(value); }
  int node_of(ValueId value) const { return graph().node_of(value); }
  bool runs(int n) const;  // whether node n belongs to the loop

  bool invariant(ValueId value) const { return depends_[at(value)] == Dependence::nothing; }
  bool stacked(ValueId value) const { return fates_.stacked[at(value)]; }
  // Whether anybody but operations of the loop reads it.
  bool leaves_the_step(ValueId value) const { return leaves_[at(value)]; }
  const std::vector<int>& users(ValueId value) const { return users_[at(value)]; }  // of the loop

  // [batch, ...]: as a matrix, rows x columns. Without rows, all numbers count as columns.
  bool has_rows(ValueId value) const { return rows_.axis_of(value) == 0; }
  Index columns(ValueId value) const;
  bool is_matrix(ValueId value) const;  // of floats, with rows, not empty

 private:
  const Step& step_;
  const Rows& rows_;
  const Fates& fates_;
  std::vector<Dependence> depends_;
  std::vector<std::vector<int>> users_;
  std::vector<bool> leaves_;
};

}  // namespace engine
}  // namespace rw
