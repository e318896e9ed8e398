// Sums over the rows of all steps, such as the gradients of weights, added up from stretch to
// stretch of time. What is made of such sums is linear in them, so it is made once, of the totals.
#pragma once

#include "rewind/autograd/engine/run/lookups.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class Totals {
 public:
  // Keeps references to both.
  Totals(const Program& program, Lifted& lifted) : program_(program), lifted_(lifted) {}

  // Adds what the rows of this stretch give.
  void add();
  // When all were added: from here on the totals are the values that `lifted` has.
  void finish();

 private:
  // What goes by the rows of one table.
  struct ByTable {
    TableSum sum;
    Tensor sums, uses;
    bool added = false;  // in this stretch
  };

  const Graph::Node& node(int n) const { return program_.step.graph.nodes()[at(n)]; }
  void begin();
  bool is_sum_of_floats(const Graph::Node& node) const;
  bool is_product_of_matrices(const Graph::Node& node) const;
  void add_to(Tensor& total, const Graph::Node& node);
  void add_to(ByTable& table);

  const Program& program_;
  Lifted& lifted_;
  bool begun_ = false;
  std::vector<Tensor> totals_;  // as program.totals
  std::vector<int> table_;      // likewise: the one in by_table_, or -1
  std::vector<ByTable> by_table_;
};

}  // namespace engine
}  // namespace rw
