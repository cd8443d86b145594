/// Whether the kernels of sparse weights are chosen by their measured speed.
public enum Tuning: String, CaseIterable, Sendable {
  /// By a cost model of the weight alone: the same choice, and the same bits, in every session.
  case off
  /// Those that the model finds close to each other are timed for a moment when a plan is made.
  case quick
  /// All that apply are timed.
  case full
}
