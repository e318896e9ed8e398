// A step that was written gate by gate adds to each part of a joined product something of its own:
// z_i + o_i, where the z_i lie side by side in one product. They become one sum with the o_i side
// by side. Those depend on less than the product does, so they are put together before the loop,
// and the product is added onto them there: no sum is left in the loop.
#include <algorithm>
#include <map>

#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

struct Term {
  ValueId sum, other;
  Index from, to;  // columns of the product
};

struct Sums {
  ValueId product;
  std::vector<Term> terms;  // from left to right, all columns
  ValueId whole = -1;       // in the new graph
};

class JoinSums {
 public:
  explicit JoinSums(const Step& step)
      : step_(step),
        r_(step),
        depends_(dependences(step)),
        users_(users_of(step.graph, live_values(step.graph, step.results()))),
        results_(step.results()) {
    for (const Graph::Node& node : step.graph.nodes()) {
      if (!node.operation.is<MatMul>() || shape(node.first).rank() != 2) continue;
      Sums sums{node.first, terms_of(node.first)};
      if (sums.terms.size() >= 2) sums_.push_back(std::move(sums));
    }
    for (Sums& sums : sums_) {
      for (const Term& term : sums.terms) terms_[term.sum] = {&sums, &term};
    }
  }

  Step run() && {
    for (const ValueId x : step_.invariants) r_.to.invariants.push_back(r_.leaf(x));
    r_.take_inputs_and_states();
    r_.take_results([&](ValueId y) { return image(y); });
    return std::move(r_.to);
  }

 private:
  const Dims& shape(ValueId value) const { return step_.graph.spec(value).shape; }
  Dependence of(ValueId value) const { return depends_[at(value)]; }
  const Graph::Node* only_user(ValueId value) const {
    const auto& users = users_[at(value)];
    const bool alone = users.size() == 1 && !contains(results_, value);
    return alone ? &step_.graph.nodes()[at(users[0])] : nullptr;
  }

  // Of a product that is read only part by part, each part by a sum of its own; else none.
  std::vector<Term> terms_of(ValueId product) const {
    std::vector<Term> terms;
    for (const int user : users_[at(product)]) {
      const Graph::Node& part = step_.graph.nodes()[at(user)];
      const auto* slice = part.operation.as<Slice>();
      const Graph::Node* sum = slice ? only_user(part.first) : nullptr;
      if (!sum || slice->axis != 1 || slice->step != 1 || !sum->operation.is<Add>()) return {};
      const ValueId other = sum->inputs[sum->inputs[0] == part.first];
      if (other == part.first || of(other) >= of(product)) return {};
      if (!(shape(sum->first) == shape(part.first))) return {};
      terms.push_back({sum->first, other, slice->start, slice->stop});
    }
    std::sort(terms.begin(), terms.end(),
              [](const Term& a, const Term& b) { return a.from < b.from; });
    Index column = 0;
    for (const Term& term : terms) {
      if (term.from != column || shape(term.other) != shape(terms[0].other)) return {};
      column = term.to;
    }
    const bool joinable = !terms.empty() && column == shape(product).back() &&
                          shape(terms[0].other).rank() >= 1 && is_as_wide(terms);
    return joinable ? terms : std::vector<Term>();
  }
  bool is_as_wide(const std::vector<Term>& terms) const {
    return std::all_of(terms.begin(), terms.end(), [&](const Term& term) {
      return shape(term.other).back() == term.to - term.from;
    });
  }

  ValueId whole(Sums& sums) {
    if (sums.whole >= 0) return sums.whole;
    std::vector<ValueId> others;
    for (const Term& term : sums.terms) others.push_back(image(term.other));
    const Index axis = shape(sums.terms[0].other).rank() - 1;
    const ValueId rest = simplified(r_.to.graph, Concat{axis}, std::move(others));
    return sums.whole = simplified(r_.to.graph, Add{}, {rest, image(sums.product)});
  }

  ValueId image(ValueId value) {
    if (r_.of(value) >= 0) return r_.of(value);
    if (const auto found = terms_.find(value); found != terms_.end()) {
      const auto& [sums, term] = found->second;
      r_.set(value, simplified(r_.to.graph, Slice{1, term->from, term->to, 1}, {whole(*sums)}));
      return r_.of(value);
    }
    const Graph::Node& node = *step_.graph.maker(value);
    for (const ValueId x : node.inputs) image(x);
    copy(r_, node);
    return r_.of(value);
  }

  struct Place {
    Sums* sums;
    const Term* term;
  };

  const Step& step_;
  Rewriting r_;
  const std::vector<Dependence> depends_;
  const std::vector<std::vector<int>> users_;
  const std::vector<ValueId> results_;
  std::vector<Sums> sums_;
  std::map<ValueId, Place> terms_;  // by sum
};

}  // namespace

Step join_sums(const Step& step) { return JoinSums(step).run(); }

}  // namespace rw::engine
