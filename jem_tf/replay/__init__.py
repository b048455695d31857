"""The replay buffer: chains that continue from one training step to the next.

    replay_buffer    the chains of each replica, with their ages, origins and energies
    sample_slots     which chains are samples, and which are negatives alone
    stuck_chains     which chains are old and of too high an energy
    shard_dealing    divides the chains among another number of replicas

This folder imports `errors` and `starts` alone.
"""

from jem_tf.replay.replay_buffer import UNKNOWN_AGE, Chains, ReplayBuffer

__all__ = ["UNKNOWN_AGE", "Chains", "ReplayBuffer"]
