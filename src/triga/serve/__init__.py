"""Answer requests over HTTP from a runtime bundle: bounded, batched, measured. No torch.

run      listen, say when ready, drain at SIGTERM          app      the application: routes, middleware, errors
door     id, log line, metrics and 500 for every request   auth     the bearer token
desk     a request's way: read, tokenise, queue, compute   batcher  what waits becomes the next batch
schemas  triga's own route                                 tei      text-embeddings-inference's routes
limits   every upper bound, and what can be set            errors   what, where, fix over HTTP
metrics  what Prometheus may ask                           docs     the schema as a page without network
"""
