# %% [markdown]
# # Fool a digit network

# %%
import fooljax

print(fooljax.__version__)
