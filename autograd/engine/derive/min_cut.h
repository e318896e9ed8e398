// The cheapest set of values that separates what cannot be had again from what wants to be read: a
// minimum vertex cut of a graph of values. It decides what a forward step keeps for its backward
// step, and where work after a loop takes over from work inside it.
#pragma once

#include <vector>

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct CutProblem {
  std::vector<double> prices;            // of values 0, 1, ...
  std::vector<std::vector<int>> inputs;  // by value: what it is made of again
  std::vector<bool> source;              // by value: it cannot be made again
  std::vector<bool> read;                // by value
};

// The values to cut, ascending. Of several cheapest cuts, the one nearest to the readers.
std::vector<int> min_cut(const CutProblem& problem);

}  // namespace engine
}  // namespace rw
